"""What a short command imports: counted, because time depends on the machine."""

import subprocess
import sys
from pathlib import Path

import pytest

# Of the standard library: for logs of stages, help texts, and messages about mistakes.
OF_OTHERS = ("bz2", "difflib", "json", "lzma", "shutil", "socket")
HEAVY = ("rich", "lxml", "croniter", "zmq", "requests", "websockets", "starlette", "watchdog")


def modules_after(*arguments: str) -> set[str]:
    program = (
        "import sys; from stages.console.main import main; main(sys.argv[1:]); "
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_version_and_help_import_no_command_and_no_library(arguments: list[str]) -> None:
    modules = modules_after(*arguments)
    libraries = {module.partition(".")[0] for module in modules}
    assert not libraries & {"msgspec", "yaml", "schemas", "spool", *HEAVY}
    ours = {module for module in modules if module.startswith("stages")}
    assert len(ours) <= 11, sorted(ours)


@pytest.mark.parametrize("arguments", [["status"], ["list"], ["show", "last"]])
def test_commands_that_read_the_spool_import_no_heavy_library(
    arguments: list[str], config: Path
) -> None:
    subprocess.run(
        [sys.executable, "-m", "stages.console.main", "scan", "--config", str(config)],
        capture_output=True,
        check=True,
    )
    modules = modules_after(*arguments, "--config", str(config))
    libraries = {module.partition(".")[0] for module in modules}
    assert not libraries & {*HEAVY, *OF_OTHERS}
