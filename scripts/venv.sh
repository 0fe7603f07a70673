# Sourced by the other scripts, in the project's root: creates .venv, a private virtual environment
# with everything that the agent needs, in the versions of constraints.txt. `extra` names a set of
# optional dependencies.

no_install=
for argument in "$@"; do
    [ "$argument" = "--no-install" ] && no_install=yes
done

# install PROGRAM-OR-MODULE PACKAGE...: with apt-get, as root, unless --no-install forbids it.
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

# An environment is kept as long as nothing that it was made from has changed. [dev] contains every
# other extra.
sources=$(cat pyproject.toml constraints.txt scripts/venv.sh | sha256sum)
made_for=$(cat .venv/made-for 2>/dev/null || true)
if [ "$made_for" != "$sources${extra:-}" ] && [ "$made_for" != "$sources[dev]" ]; then
    "$python" -c 'import ensurepip, venv' 2>/dev/null || install "python3-venv" python3-venv || exit 3
    echo "creating .venv, a private virtual environment (once, about half a minute)"
    "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --constraint constraints.txt --config-settings editable_mode=compat --editable ".${extra:-}"
    printf '%s' "$sources${extra:-}" > .venv/made-for
fi
