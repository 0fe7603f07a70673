"""`metrics` as an operator calls it."""

import json
from pathlib import Path
from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from spool.spool import Spool
from tests.console.program import agent
from tests.formats import reports

read: Any = text_string_to_metric_families


def test_the_state_is_printed_in_openmetrics(config: Path, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.claim("parse")
    spool.reports.write(reports.of_every_status())
    text = agent("metrics", config=config).stdout
    found = {
        (sample.name, sample.labels.get("stage")): sample.value
        for family in read(text)
        for sample in family.samples
    }
    assert found["compliance_score_percent", None] == 4.76
    assert found["compliance_agent_pending_scans", "ship"] == 1
    assert found["compliance_agent_stage_up", "scan"] == 0
    assert "compliance_agent_spool_free_bytes" in text


def test_the_snapshot_is_available_as_json(config: Path, tmp_path: Path) -> None:
    Spool(tmp_path / "spool").claim("parse")
    found = json.loads(agent("metrics", "--json", config=config).stdout)
    assert [stage["stage"] for stage in found["stages"]] == ["trigger", "scan", "parse", "ship"]
    assert found["profiles"] == []
