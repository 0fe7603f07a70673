"""From a clone to the first result, on a bare Debian: what a new user waits for.

    python -m benchmarks.first_result [RELEASE]

As root. In a root file system with Python and git alone, `git clone` and `scripts/demo` run, which
install what is missing; prints how long that took. Downloads count, so the network matters; a
second run has its libraries in pip's cache.
"""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_LIMIT_S = 40
_SCRIPT = """\
begin=$(date +%s)
git clone --quiet /opt/agent /opt/clone
/opt/clone/scripts/demo
echo "first result after $(($(date +%s) - begin)) s (limit LIMIT s)"
"""


def main() -> None:
    release = "trixie"
    if len(sys.argv) > 1:
        release = sys.argv[1]
    script = _SCRIPT.replace("LIMIT", str(_LIMIT_S))
    command = [str(_ROOT / "scripts/bare-root"), release, "sh", "-ec", script]
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
