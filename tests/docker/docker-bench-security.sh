#!/bin/sh
# Prints as Docker Bench does: by hand, without escaping, JSON beside the log. The file `mode` beside it, read from
# the directory in which it is started, says what goes wrong.
mode=$(cat mode) || exit 4
arguments="$*"
if [ "$mode" = old ]; then known=bhl:c:e:i:x:t: version=1.3.4; else known=bhl:u:c:e:i:x:t:n:p version=1.6.0; fi
log=docker-bench-security.log
while getopts "$known" option; do
    case $option in
    l) log=$OPTARG ;;
    p) remediations=yes ;;
    '?') printf '  usage: docker-bench-security.sh [options]\n'; exit 1 ;;
    *) ;;
    esac
done

both() { printf '%s\n' "$1" | tee -a "$log"; }
json() { printf '%s' "$1" >> "$log.json"; }
check() { # number, title, result, details
    both "[$3] $1 - $2"
    json "$comma
        {
          \"id\": \"$1\",
          \"desc\": \"$2\",
          \"result\": \"$3\""
    [ -z "$4" ] || json ",
          \"details\": \"$4\""
    if [ -n "$remediations" ] && [ "$3" != PASS ]; then
        json ",
          \"remediation\": \"Correct $1.\""
        closing="$closing
[INFO] $1 - Correct $1."
    fi
    json "
        }"
    comma=,
}

case $mode in
fails) echo "no such luck" >&2; exit 3 ;;
empty) exit 0 ;;
links) ln -s /etc/hostname "$log"; ln -s /etc/hostname "$log.json"; exit 0 ;;
esac
printf '%s' "{
  \"dockerbenchsecurity\": \"$version\",
  \"start\": 1795414000,
  \"tests\": [" > "$log.json"
both "# arguments: $arguments"
both "# trust: ${DOCKER_CONTENT_TRUST-not set}"
both "Initializing 2026-11-23T06:06:40+00:00"
both ""
both "Section A - Check results"
both ""
case $mode in
waits) while [ ! -e go ]; do sleep 0.1; done ;;
hangs) trap '' TERM; while :; do sleep 1; done ;;
floods) while :; do yes "a line of no use, again and again" >> "$log.json"; done ;;
chatters) while :; do yes "a line of no use, again and again"; done ;;
buries) mkdir -p "$log.d/e/e/p"; while :; do yes "a line of no use" >> "$log.d/e/e/p/file"; done ;;
esac
if [ "$mode" != nochecks ]; then
    both "[INFO] 2 - Docker daemon configuration"
    json '
    {
      "id": "2",
      "desc": "Docker daemon configuration",
      "results": ['
    check 2.1 "Run the Docker daemon as a non-root user, if possible (Manual)" INFO
    check 2.2 "Ensure network traffic is restricted between containers (Scored)" WARN "On the default bridge"
    [ "$mode" = broken ] && check 2.3 'Ensure the "logging" level is \set (Scored)' PASS
    check 2.4 "Ensure Docker is allowed to make changes to iptables (Scored)" PASS
    check 2.7 "Ensure TLS authentication is configured (Scored)" NOTE
    json '
      ]
    }'
fi
if [ -n "$closing" ]; then
    both ""
    both "Section B - Remediation measures"
    both "$closing"
fi
both ""
both "Section C - Score"
both ""
both "[INFO] Checks: 4"
both "[INFO] Score: 0"
json '
  ],
  "checks": 4,
  "score": 0,
  "end": 1795414003
}'
