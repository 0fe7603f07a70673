"""The start of the program, before it can handle anything."""

import subprocess
import sys

import pytest

_INTERRUPTED = """
import os, signal, sys

class Interrupting:
    @staticmethod
    def find_spec(name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting)
sys.argv = ["compliance-agent", "status"]
from stages.console.entry import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    "module",
    ["stages.console.main", "argparse", "stages.runtime.command_error", "stages.console.status"],
)
def test_an_interrupt_while_the_program_is_loaded_has_no_traceback(module: str) -> None:
    program = _INTERRUPTED.format(module=module)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
