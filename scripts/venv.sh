# Sourced by the other scripts, in the project's root: creates .venv, a private virtual environment
# with everything that the agent needs, in the versions of constraints.txt. `extra` names a set of
# optional dependencies. With `for_services`, Python must be one that a systemd unit can start.

supported="3.14 3.13 3.12 3.11"

no_install=
for argument in "$@"; do
    [ "$argument" = "--no-install" ] && no_install=yes
done

# install PROGRAM-OR-MODULE PACKAGE...: with apt-get, as root, unless --no-install forbids it.
install() {
    what=$1; shift
    if [ -n "$no_install" ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "$what is missing: as root, $(package_command "$@")" >&2
        return 1
    fi
    echo "installing: apt-get install -y $*"
    messages=$(apt-get update -qq 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" 2>&1) || {
        reason=$(printf '%s\n' "$messages" | grep '^E: ' | head -n 1)
        echo "$what is missing, and apt-get install $* failed: ${reason:-is there a network?}" >&2
        return 1
    }
}

# package_command PACKAGE...: how this distribution installs packages.
package_command() {
    for manager in apt-get dnf zypper; do
        if command -v $manager >/dev/null; then
            echo "$manager install -y $*"
            return
        fi
    done
    echo "install $*"
}

# The packages with a suitable Python, by distribution; nothing for those that have none.
python_packages() {
    . "${OS_RELEASE:-/etc/os-release}"
    case "${ID:-}:${VERSION_ID:-}" in
        debian:11* | ubuntu:20.04) ;;
        ubuntu:22.04) echo "python3.11 python3.11-venv" ;;
        debian:* | ubuntu:*) echo "python3 python3-venv" ;;
        rhel:[89]* | rocky:[89]* | almalinux:[89]* | ol:[89]* | centos:9*) echo "python3.12" ;;
        amzn:2023*) echo "python3.11" ;;
        sles:15* | sled:15* | sles_sap:15* | opensuse-leap:15*) echo "python311" ;;
        fedora:* | rhel:* | rocky:* | almalinux:* | ol:* | centos:*) echo "python3" ;;
    esac
}

# The name of the package that adds `venv` to a Python.
venv_package() {
    if [ "$1" -ef /usr/bin/python3 ]; then
        echo python3-venv
    else
        echo "$(basename "$1")-venv"
    fi
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

makes_environments() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

# The newest suitable Python, or PYTHON. One without `venv` only if no other is there.
find_python() {
    places=$PATH
    [ -z "${for_services:-}" ] || places=/usr/bin:/usr/local/bin
    without_venv=
    for version in $supported; do
        name=${PYTHON:-python$version}
        found=$(PATH=$places command -v "$name" || command -v "${PYTHON:-}") || continue
        # A shim of a version manager may exist and not run.
        [ "$(version_of "$found")" = "$version" ] || continue
        if makes_environments "$found"; then
            echo "$found"
            return
        fi
        without_venv=${without_venv:-$found}
    done
    echo "$without_venv"
}

refuse_python() {
    wanted="Python 3.11 to 3.14 is needed"
    if [ -n "${PYTHON:-}" ]; then
        echo "$wanted: PYTHON=$PYTHON is $("$PYTHON" -V 2>&1 || echo 'not a program')" >&2
        exit 2
    fi
    packages=$(python_packages)
    if [ -n "$packages" ]; then
        echo "$wanted: as root, $(package_command $packages)" >&2
    else
        echo "$wanted, and this release has no package of it: set PYTHON to one from elsewhere" >&2
    fi
    exit 2
}

# Ctrl-C: one line, where Python would print a traceback. The shell lets what runs in the background
# ignore it.
child=
interrupted() {
    [ -z "$child" ] || kill "$child" 2>/dev/null || true
    echo "interrupted: .venv is not complete, and is made again at the next start" >&2
    exit 130
}
in_background() {
    "$@" &
    child=$!
    wait "$child"
}

make_environment() {
    trap interrupted INT
    python=$(find_python)
    [ -n "$python" ] || refuse_python
    makes_environments "$python" || install "the module venv of $python" "$(venv_package "$python")" || exit 3
    echo "creating .venv, a private virtual environment with $("$python" -V) (once, about half a minute)"
    in_background "$python" -m venv --clear .venv
    if ! in_background .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --constraint constraints.txt --config-settings editable_mode=compat --editable ".${extra:-}" \
        >.venv/pip.log 2>&1; then
        reason="pip failed"
        if grep -q CERTIFICATE_VERIFY_FAILED .venv/pip.log; then
            reason="pip does not trust the certificate of its package index (PIP_CERT=FILE names another)"
        elif grep -q -E 'NewConnectionError|NameResolutionError|connection broken' .venv/pip.log; then
            reason="no network: pip does not reach its package index"
        fi
        echo "$reason; its messages are in $(pwd)/.venv/pip.log" >&2
        exit 3
    fi
    printf '%s' "$sources${extra:-}" > .venv/made-for
    trap - INT
}

# An environment is kept as long as nothing that it was made from has changed.
sources=$(cat pyproject.toml constraints.txt scripts/venv.sh | sha256sum)
made_for=$(cat .venv/made-for 2>/dev/null || true)

# Whether .venv has what is needed: [dev] contains every other extra, and each extra what is needed
# without one.
is_complete() {
    case "$made_for" in
        "$sources${extra:-}" | "$sources[dev]") return 0 ;;
        "$sources"*) [ -z "${extra:-}" ] ;;
        *) return 1 ;;
    esac
}

if ! is_complete; then
    make_environment
elif ! actual=$(version_of .venv/bin/python); then
    # Its Python is gone, by an upgrade of the distribution.
    make_environment
elif [ -n "${PYTHON:-}" ] && [ "$actual" != "$(version_of "$PYTHON")" ]; then
    make_environment
fi
