# Sourced by the other scripts, from the project's root: makes .venv, a private virtual environment with everything
# that the agent needs, in the versions of constraints.txt. `extra` names a set of optional dependencies.

no_install=
for word in "$@"; do
    [ "$word" = "--no-install" ] && no_install=yes
done

# install PROGRAM-OR-MODULE PACKAGE...: with Debian's own tools, as root, and only where it is not forbidden.
install() {
    what=$1; shift
    if [ -n "$no_install" ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "$what is missing: as root, apt-get install -y $*" >&2
        return 1
    fi
    echo "installing: apt-get install -y $*"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer is needed; $python is $("$python" -V 2>&1)" >&2
    exit 2
}

made_for=$(cat pyproject.toml constraints.txt scripts/venv.sh | sha256sum)
case "$(cat .venv/made-for 2>/dev/null)" in "$made_for${extra:-}"*) made=yes ;; *) made= ;; esac
if [ -z "$made" ]; then
    "$python" -c 'import ensurepip, venv' 2>/dev/null || install "python3-venv" python3-venv || exit 3
    echo "making .venv, a private virtual environment (once, about half a minute)"
    "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --constraint constraints.txt --config-settings editable_mode=compat --editable ".${extra:-}"
    printf '%s' "$made_for${extra:-}" > .venv/made-for
fi
