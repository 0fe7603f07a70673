#!/bin/sh
# Checks: one line each to the file $1, and one to standard output; $2 is their number.
printf 'line-check|one|The first line|pass\n' >> "$1"
echo 'The first line: pass'
[ "$2" = 1 ] && exit
printf 'line-check|two|The second line|fail\n' >> "$1"
echo 'The second line: fail'
