"""Where the command `compliance-agent` starts.

Imports nothing of its own before it can end quietly: an interrupt that comes while the program is
loaded has no traceback.
"""

_INTERRUPTED = 130


def main() -> int:
    """The program. Returns an exit code of `stages.runtime.exits`."""
    try:
        from stages.console.main import main as program

        return program()
    except KeyboardInterrupt:
        return _INTERRUPTED


if __name__ == "__main__":
    raise SystemExit(main())
