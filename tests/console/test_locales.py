"""No command fails because of a locale, or because its output is ASCII or closed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from schemas.report import RuleResult
from spool.spool import Spool
from stages.console.command_parsers import COMMANDS
from stages.runtime.exits import Exit
from tests.scanners.openscap.scap_samples import Rule, arf
from tests.ship.ship_spool import report

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, "-m", "stages.console.main"]
TITLE = "Prüfe die Größe – “漢字”"
COMMAND_LINES = [
    ["status"],
    ["list"],
    ["show", "last"],
    ["show", "last", "--rule", "size"],
    ["show", "last", "--fix", "sh"],
    ["verify"],
    ["config", "check"],
    ["profiles"],
    ["replay", "ship", "größe", "--dry-run"],
    ["install", "--dry-run"],
    ["unknown-größe"],
]
LOCALES: dict[str, dict[str, str]] = {
    "latin1": {"LC_ALL": "de_DE.ISO-8859-1"},
    "c": {"LC_ALL": "C"},
    "posix": {"LC_ALL": "POSIX"},
    "ascii": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ascii-output": {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
}
EXPECTED = {Exit.OK, Exit.NO, Exit.USAGE, Exit.UNUSABLE}


@pytest.fixture(scope="session")
def locale_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef"):
        # Exit code 1 is a warning about the locale's source.
        target = str(directory / "de_DE.ISO-8859-1")
        command = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", target]
        subprocess.run(command, capture_output=True, check=False)
    return directory


@pytest.fixture(params=sorted(LOCALES))
def environment(request: pytest.FixtureRequest, locale_directory: Path) -> dict[str, str]:
    if request.param == "latin1" and not list(locale_directory.iterdir()):
        pytest.skip("localedef cannot make a German locale here")
    inherited = {name: value for name, value in os.environ.items() if name[:2] != "LC"}
    return {**inherited, "LOCPATH": str(locale_directory), **LOCALES[request.param]}


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings and spool below a directory whose name is not ASCII, and such a report."""
    directory = tmp_path / "größe漢"
    directory.mkdir()
    spool = Spool(directory / "spool")
    spool.prepare()
    rule = RuleResult(rule_ref="size", title=TITLE, status="fail", remediation=f"echo '{TITLE}'")
    spool.reports.write(report(1, results=(rule,)))
    path = directory / "config.yml"
    values = {"spool": {"path": str(spool.root)}, "runtime_dir": str(tmp_path / "run")}
    path.write_text(json.dumps(values))
    return path


def run(
    arguments: list[str], environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[bytes]":
    done = subprocess.run(
        [*PROGRAM, *arguments], env=environment, capture_output=True, timeout=60, check=False
    )
    errors = done.stderr.decode("latin-1")
    assert done.returncode in EXPECTED, f"{arguments}: {done.returncode}\n{errors}"
    assert "internal error" not in errors
    return done


@pytest.mark.parametrize("arguments", COMMAND_LINES, ids=" ".join)
def test_commands_that_only_read_work_in_every_locale(
    arguments: list[str], environment: dict[str, str], settings: Path
) -> None:
    run([*arguments, "--config", str(settings)], environment)


@pytest.mark.parametrize("environment", ["ascii", "latin1"], indirect=True)
@pytest.mark.parametrize("arguments", COMMAND_LINES, ids=" ".join)
def test_json_is_valid_in_every_locale(
    arguments: list[str], environment: dict[str, str], settings: Path
) -> None:
    done = run([*arguments, "--json", "--config", str(settings)], environment)
    document = json.loads(done.stdout)
    if arguments == ["show", "last"]:
        assert document["report"]["results"][0]["title"] == TITLE


@pytest.mark.parametrize("arguments", [["list"], ["show", "last"], ["detect"]], ids=" ".join)
def test_the_spool_of_the_settings_is_found_in_every_locale(
    arguments: list[str], environment: dict[str, str], settings: Path
) -> None:
    """The settings are UTF-8, and so is the name of the spool."""
    done = run([*arguments, "--config", str(settings)], environment)
    assert done.returncode == Exit.OK, done.stderr


def test_a_report_is_parsed_in_every_locale(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "größe.xml"
    path.write_text(arf([Rule("size")]), encoding="utf-8")
    assert json.loads(run(["parse", str(path)], environment).stdout)["results"]


def test_what_install_writes_is_utf_8_in_every_locale(
    environment: dict[str, str], tmp_path: Path
) -> None:
    code = (
        "import sys; from pathlib import Path; from stages.console.install import actions;"
        "actions._write(Path(sys.argv[1]), '\\u2026')"
    )
    path = tmp_path / "page"
    subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=True, timeout=60)
    assert path.read_text(encoding="utf-8") == "…"


@pytest.mark.parametrize("environment", ["ascii"], indirect=True)
def test_help_is_shown_in_every_locale(environment: dict[str, str]) -> None:
    for command in COMMANDS:
        assert b"usage:" in run([command, "--help"], environment).stdout


@pytest.mark.parametrize("arguments", [["status"], ["show", "last"], ["verify"]], ids=" ".join)
def test_closed_output_is_not_an_internal_error(arguments: list[str], settings: Path) -> None:
    command = [*PROGRAM, *arguments, "--config", str(settings)]
    script = '"$@" >&- 2>&-'
    done = subprocess.run(["/bin/sh", "-c", script, "sh", *command], timeout=60, check=False)
    assert done.returncode in EXPECTED
