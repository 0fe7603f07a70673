#!/bin/sh
# Two checks: one line each to the file that is named, and one to standard output.
printf 'line-check|one|The first line|pass\n' >> "$1"
echo 'The first line: pass'
printf 'line-check|two|The second line|fail\n' >> "$1"
echo 'The second line: fail'
