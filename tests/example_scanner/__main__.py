"""The agent's program, with one scanner more."""

import sys

from stages.console.main import main
from tests.example_scanner import registered

assert registered

if __name__ == "__main__":
    sys.exit(main())
