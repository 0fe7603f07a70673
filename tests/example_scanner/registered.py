"""Importing this module registers the scanner: in the program, and in every worker process that it
starts.
"""

from stages.scanners import registry
from tests.example_scanner.example_spec import EXAMPLE

registry.register(EXAMPLE, __name__)
