"""The program on a host on which the service for fixes is installed."""

import os
import sys

from stages.console.main import main
from stages.trigger import remediations

remediations.UNIT_DIRECTORIES[:] = [os.environ["UNITS"]]

if __name__ == "__main__":
    sys.exit(main())
