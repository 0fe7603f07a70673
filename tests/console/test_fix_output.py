"""What `fix --dry-run` prints is a script: no text of the scanner may become a line of it."""

import subprocess
from pathlib import Path

import pytest

from stages.console.fix_view import show_fixes
from stages.console.fixing.fix_output import show_planned
from stages.console.fixing.fix_plan import PlannedFix
from stages.scanners.shell_script import examine
from tests.formats.reports import rule


def test_a_title_with_several_lines_stays_in_its_comment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = f"title\ntouch {tmp_path}/evil"
    result = rule("x", "fail", title=evil)
    nothing = examine("", None)
    show_planned(
        [PlannedFix(result, "true\n", None, nothing), PlannedFix(result, None, evil, nothing)]
    )
    named = rule(f"y\ntouch {tmp_path}/evil\n", "fail", remediation="true\n")
    show_fixes([named], "sh", as_json=False)
    subprocess.run(["bash"], input=capsys.readouterr().out, text=True, check=True)
    assert not list(tmp_path.iterdir())
