"""Metrics: true, bounded, and read by Prometheus' own tools."""

import http.client
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as parse_text

from schemas import codec
from schemas.codec import replace
from schemas.report import AppliedWaiver
from stages.formats.metrics import (
    LONGEST_LABEL,
    MOST_PROFILES,
    openmetrics,
    prometheus_text,
)
from stages.formats.metrics_records import MetricsSnapshot, StageMetrics, profile_metrics
from tests.formats import reports

ROOT = Path(__file__).parents[2]
RULES = ROOT / "contrib/prometheus/compliance-agent.rules.yml"
DASHBOARD = ROOT / "contrib/grafana/compliance-agent.json"
OTHERS = {"node_textfile_mtime_seconds"}
WAIVER = AppliedWaiver(reason="legacy", approved_by="Ann", expires=date(2027, 3, 31), status="fail")


def snapshot() -> MetricsSnapshot:
    good = reports.of_every_status()
    waived = codec.replace(reports.rule("waived", "skip"), waiver=WAIVER)
    good = codec.replace(good, results=(*good.results, waived))
    failed = codec.replace(reports.failed_scan(), completed_at=reports.STARTED + timedelta(days=1))
    return MetricsSnapshot(
        agent_version="1.0",
        profiles=[profile_metrics(failed, good)],
        stages=[
            StageMetrics(stage="scan", running=True, pending=0),
            StageMetrics(stage="ship", running=False, pending=3, oldest_pending_at=reports.STARTED),
        ],
        quarantined=1,
        free_bytes=10**9,
        failed_attempts=4,
        last_answer="refused",
        last_answer_at=reports.STARTED,
        connected=False,
    )


Samples = dict[tuple[str, frozenset[str]], float]


def samples(text: bytes, parse: Any = text_string_to_metric_families) -> Samples:
    """Value by name and by the values of the labels."""
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in parse(text.decode())
        for sample in family.samples
    }


def value(found: Samples, name: str, *labels: str) -> float:
    return found[name, frozenset(labels)]


def names() -> set[str]:
    return {name for name, _ in samples(openmetrics(snapshot()))}


def test_the_metrics_are_those_of_the_newest_completed_scan() -> None:
    found = samples(openmetrics(snapshot()))
    profile = ("openscap", "CIS Level 1 Server")
    started = reports.STARTED.timestamp()
    assert value(found, "compliance_last_scan_completed", *profile) == 0
    assert value(found, "compliance_last_scan_timestamp_seconds", *profile) == started + 86400
    assert value(found, "compliance_last_good_scan_timestamp_seconds", *profile) == started + 42
    assert value(found, "compliance_score_percent", *profile) == 4.76
    assert value(found, "compliance_applicable_score_percent", *profile) == 8.33
    assert value(found, "compliance_rules", *profile, "error") == 6
    assert value(found, "compliance_failed_rules", *profile, "critical") == 1
    assert value(found, "compliance_scan_duration_seconds", *profile) == 42
    assert value(found, "compliance_content_fit", *profile, "unknown") == 1
    assert value(found, "compliance_content_fit", *profile, "exact") == 0
    assert value(found, "compliance_waived_rules", *profile) == 1
    end_of_day = datetime(2027, 4, 1, tzinfo=UTC).timestamp()
    assert value(found, "compliance_next_waiver_expiry_timestamp_seconds", *profile) == end_of_day
    assert value(found, "compliance_agent_pending_scans", "ship") == 3
    assert value(found, "compliance_agent_stage_up", "ship") == 0
    assert value(found, "compliance_agent_last_answer", "refused") == 1
    assert value(found, "compliance_agent_last_answer", "accepted") == 0
    assert value(found, "compliance_agent_connected") == 0


def test_a_profile_without_a_good_scan_has_no_score() -> None:
    failed = profile_metrics(reports.failed_scan(), None)
    found = samples(openmetrics(MetricsSnapshot(agent_version="1", profiles=[failed])))
    assert value(found, "compliance_last_scan_completed", "openscap", "CIS Level 1 Server") == 0
    assert not any("score" in name for name, _ in found)


def test_what_is_not_known_is_left_out() -> None:
    found = samples(openmetrics(MetricsSnapshot(agent_version="1")))
    assert {name for name, _ in found} == {
        "compliance_agent_info",
        "compliance_agent_quarantined_entries",
    }


def test_labels_are_bounded_and_harmless() -> None:
    first = profile_metrics(reports.of_every_status(), reports.of_every_status())
    many = [
        replace(
            first,
            profile=f'{number}\n"\\{reports.HOSTILE}{"x" * 500}',
            last_scan_at=first.last_scan_at + timedelta(days=number),
        )
        for number in range(100)
    ]
    text = openmetrics(MetricsSnapshot(agent_version="1", profiles=many))
    scores = [
        labels for name, labels in samples(text) if name == "compliance_scan_duration_seconds"
    ]
    profiles = {label for labels in scores for label in labels - {"openscap"}}
    assert len(profiles) == MOST_PROFILES
    assert all(len(profile) <= LONGEST_LABEL and profile.isprintable() for profile in profiles)
    assert any(profile.startswith("99 ") for profile in profiles)


def test_two_profiles_whose_shortened_names_are_equal_are_one() -> None:
    first = profile_metrics(reports.of_every_status(), reports.of_every_status())
    twins = [replace(first, profile="x" * 500 + end) for end in "ab"]
    text = prometheus_text(MetricsSnapshot(agent_version="1", profiles=twins))
    assert text.count(b"compliance_scan_duration_seconds{") == 1


def test_both_text_formats_have_the_same_samples() -> None:
    older = samples(prometheus_text(snapshot()), parse_text)
    assert older == samples(openmetrics(snapshot()))
    assert openmetrics(snapshot()).endswith(b"# EOF\n")


@pytest.mark.promtool
@pytest.mark.parametrize("text", [openmetrics(snapshot()), prometheus_text(snapshot())])
def test_promtool_has_nothing_against_the_metrics(text: bytes) -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.promtool
def test_the_alert_rules_load(tmp_path: Path) -> None:
    promtool("check", "rules", str(RULES))


@pytest.mark.promtool
def test_the_alerts_fire_when_they_should(tmp_path: Path) -> None:
    """Each rule with a series that breaks it and one that does not."""
    labels = 'scanner="openscap", profile="CIS"'
    cases = [
        ("ComplianceScanFailed", f"compliance_last_scan_completed{{{labels}}}", 0, 1),
        ("ComplianceSevereFailures", f'compliance_failed_rules{{{labels}, severity="high"}}', 2, 0),
        ("ComplianceServerRefuses", 'compliance_agent_last_answer{answer="refused"}', 1, 0),
        ("ComplianceStageDown", 'compliance_agent_stage_up{stage="ship"}', 0, 1),
        ("ComplianceSpoolDamaged", "compliance_agent_quarantined_entries", 1, 0),
        (
            "ComplianceScanOverdue",
            f"compliance_last_good_scan_timestamp_seconds{{{labels}}}",
            0,
            10 * 86400,
        ),
        (
            "ComplianceWaiverExpires",
            f"compliance_next_waiver_expiry_timestamp_seconds{{{labels}}}",
            20 * 86400,
            60 * 86400,
        ),
        (
            "ComplianceDeliveryStuck",
            'compliance_agent_oldest_pending_timestamp_seconds{stage="ship"}',
            0,
            10 * 86400,
        ),
    ]
    tests = []
    for alert, series, bad, good in cases:
        for level, fires in ((bad, True), (good, False)):
            tests.append(
                {
                    "interval": "1h",
                    "input_series": [{"series": series, "values": f"{level}+0x240"}],
                    "promql_expr_test": [
                        {
                            "expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})'
                            " or vector(0)",
                            "eval_time": "240h",
                            "exp_samples": [{"labels": "{}", "value": int(fires)}],
                        }
                    ],
                }
            )
    tested = {"rule_files": [str(RULES)], "evaluation_interval": "1h", "tests": tests}
    path = tmp_path / "tests.yml"
    path.write_text(json.dumps(tested))
    promtool("test", "rules", str(path))


def promtool(*arguments: str) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def expressions() -> Iterator[str]:
    """Every PromQL expression of the dashboard, with its variables filled in."""
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield re.sub(r"\$\w+", "x", target["expr"])


def dashboard() -> Any:
    return json.loads(DASHBOARD.read_text())


@pytest.mark.promtool
def test_every_expression_of_the_dashboard_is_promql(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(expressions())
    ]
    path = tmp_path / "dashboard.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(path))


def test_alerts_and_dashboard_use_metrics_that_exist() -> None:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    alerts = [rule["expr"] for group in groups for rule in group["rules"]]
    text = re.sub(r'"[^"]*"', "", "\n".join([*alerts, *expressions()]))
    used = set(re.findall(r"\b(?:compliance|node)_\w+(?![\w.])", text))
    assert used <= names() | OTHERS


def test_the_dashboard_has_what_grafana_needs_to_load_it() -> None:
    found = dashboard()
    assert found["uid"]
    assert found["schemaVersion"] >= 36
    identifiers = [panel["id"] for panel in found["panels"]]
    assert len(set(identifiers)) == len(identifiers)
    taken: set[tuple[int, int]] = set()
    for panel in found["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies on another panel"
        taken |= cells
        assert {target["refId"] for target in panel["targets"]}
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [variable["name"] for variable in found["templating"]["list"]] == [
        "datasource",
        "instance",
        "profile",
    ]


@pytest.mark.promtool
def test_node_exporter_serves_the_file(tmp_path: Path) -> None:
    program = shutil.which("prometheus-node-exporter")
    if program is None:
        pytest.skip("prometheus-node-exporter is missing (apt-get install it)")
    (tmp_path / "compliance_agent.prom").write_bytes(prometheus_text(snapshot()))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [
        program,
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={tmp_path}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    exporter = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
    try:
        served = scraped(port)
    finally:
        exporter.terminate()
        exporter.wait(10)
    assert "node_textfile_scrape_error 0" in served
    for line in prometheus_text(snapshot()).decode().splitlines():
        if line.startswith("compliance_rules"):
            name, _, number = line.rpartition(" ")
            assert re.search(rf"^{re.escape(name)} {float(number):g}$", served, re.MULTILINE)


def scraped(port: int) -> str:
    deadline = time.monotonic() + 20
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        except OSError:
            assert time.monotonic() < deadline, "node_exporter does not answer"
            time.sleep(0.05)
