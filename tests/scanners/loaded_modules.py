"""The agent's program, which leaves the names of its loaded modules in the current directory when
it ends.
"""

import atexit
import os
import sys
from pathlib import Path

from stages.console.main import main


def _leave_names() -> None:
    directory = Path(os.environ["LOADED_MODULES"])
    (directory / "-".join(sys.argv[1:3])).write_text("\n".join(sorted(sys.modules)))


if __name__ == "__main__":
    atexit.register(_leave_names)
    sys.exit(main())
