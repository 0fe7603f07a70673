"""Both scores, under the same two names in every command."""

import json
import re
from pathlib import Path

import pytest

from schemas.codec import replace
from spool.spool import Spool
from tests.console.program import agent
from tests.formats import reports


def test_commands_give_both_scores(config: Path, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    spool.reports.write(reports.of_every_status())
    shown = agent("show", "last", config=config).stdout
    assert re.search(r"^score +4\.76 % \(1 of all 21 rules passed\)$", shown, re.MULTILINE)
    assert re.search(r"^applicable score +8\.33 % \(1 of the 12 rules that ap", shown, re.MULTILINE)
    (listed,) = json.loads(agent("list", "--json", config=config).stdout)
    assert (listed["score"], listed["applicable_score"]) == (4.76, 8.33)
    summary = json.loads(agent("show", "last", "--json", config=config).stdout)["report"]["summary"]
    assert (summary["score"], summary["applicable_score"]) == (4.76, 8.33)
    assert "applicable score" in agent("list", "--wide", config=config).stdout
    trend = agent("trend", config=config).stdout
    assert "score   4.76 %  applicable score   8.33 %" in trend


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_scan_that_did_not_complete_is_listed_without_a_score(
    status: str, config: Path, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    spool.reports.write(replace(reports.failed_scan(), status=status))
    (listed,) = json.loads(agent("list", "--json", config=config).stdout)
    assert listed.get("score") is None
    assert listed.get("applicable_score") is None
