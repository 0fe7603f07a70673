"""What the user of one stage can make the service for fixes do, which is root and changes the host.

docs/security.md names each of these tests.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.fixes import FixRun
from spool.layout import command_time
from tests.pipeline.agent import until
from tests.scanners.openscap.fixable_content import (
    NEEDS_ROOT_AND_OSCAP,
    PROFILE,
    append_line,
    write_fixable_content,
)
from tests.security.test_hostile_stages import request
from tests.security.users import SharedHost

pytestmark = [*NEEDS_ROOT_AND_OSCAP]

_NOW = datetime.now(UTC)
_REQUESTED = """
import os, pathlib
from datetime import UTC, datetime
from schemas.fixes import Remediation
from schemas.request import Reason
from spool.spool import Spool
requests = Spool(pathlib.Path(os.getcwd())).requests
reason = Reason(source='server', at=%s)
requests.remediations.write('%s', Remediation(reason=reason, rule='%s'))
"""
_CLAIMED = """
import os, pathlib
from schemas.codec import replace
from spool.spool import Spool
reports = Spool(pathlib.Path(os.getcwd())).reports
report = reports.read('%s')
os.remove('reports/%s.report')
reports.write(replace(report, results=tuple(replace(r, status='fail') for r in report.results)))
"""


def prepared(host: SharedHost, monkeypatch: pytest.MonkeyPatch, *, is_allowed: bool) -> Path:
    """A host whose content has one rule that fails and one that passes; the directory of files."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    files = host.home / "files"
    files.mkdir()
    (files / "passes").write_text("filled in\n")
    rules = [append_line(name, files / name) for name in ("fails", "passes")]
    content = write_fixable_content(host.home / "etc/fixable-ds.xml", rules)
    compliance: dict[str, Any] = {
        "openscap": {"content": str(content), "profile": PROFILE},
        "docker_bench": {"enabled": False},
        "fixes": {"directory": str(host.home / "fixes"), "copied": [str(files)]},
        "server_commands": {"allow_remediation": is_allowed},
    }
    host.configure(compliance=compliance)
    host.start()
    return files


def scanned(host: SharedHost) -> str:
    scan_id = request(host)
    until(lambda: host.spool.reports.path.joinpath(f"{scan_id}.report").exists(), "its report")
    return scan_id


def carried_out(host: SharedHost, command_id: str, at: str, rule: str) -> FixRun:
    """The outcome of a request that the user of trigger has written."""
    host.act("trigger", _REQUESTED % (at, command_id, rule))
    host.agent("fix", "--requested")
    return host.spool.fixes.fixes.read(command_id)


def test_trigger_has_nothing_fixed_that_the_settings_forbid(
    host: SharedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = prepared(host, monkeypatch, is_allowed=False)
    scanned(host)
    run = carried_out(host, f"{command_time(_NOW)}-0000000a", "datetime.now(UTC)", "fails")
    assert run.error is not None
    assert "not allowed" in run.error
    assert not (files / "fails").exists()


def test_trigger_has_only_rules_of_a_scan_fixed_and_takes_no_copy_of_a_fix_away(
    host: SharedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request names a rule, not a script; and its id is of the last day, because the copies of
    the fixes with the highest ids are kept."""
    files = prepared(host, monkeypatch, is_allowed=True)
    scanned(host)
    later = command_time(_NOW + timedelta(days=400))
    for number, (time, at, rule) in enumerate(
        (
            (later, "datetime.now(UTC)", "fails"),
            (command_time(_NOW), "datetime(9999, 12, 31, tzinfo=UTC)", "fails"),
            (command_time(_NOW), "datetime.now()", "fails"),
            (command_time(_NOW), "datetime.now(UTC)", "passes"),
            (command_time(_NOW), "datetime.now(UTC)", "unknown"),
        )
    ):
        run = carried_out(host, f"{time}-0000000{number}", at, rule)
        assert run.error is not None, (time, at, rule)
    assert not (files / "fails").exists()
    assert (files / "passes").read_text() == "filled in\n"
    run = carried_out(host, f"{command_time(_NOW)}-000000ff", "datetime.now(UTC)", "fails")
    assert [rule.outcome for rule in run.rules] == ["fixed"]


def test_parse_has_no_script_run_for_a_rule_that_the_scanner_found_to_pass(
    host: SharedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = prepared(host, monkeypatch, is_allowed=True)
    scan_id = scanned(host)
    host.act("parse", _CLAIMED % (scan_id, scan_id))
    shown = host.agent("fix", scan_id, "--yes", code=1)
    assert "the scanner's own results do not show it as failed" in shown
    assert (files / "passes").read_text() == "filled in\n"
    assert (files / "fails").read_text() == "filled in\n"
