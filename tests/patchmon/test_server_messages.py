import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import replace
from schemas.schedule import ServerOverrides
from stages.patchmon.commands import (
    Apply,
    Decline,
    Ignored,
    Invalid,
    Scan,
    Wanted,
    understand,
)
from stages.patchmon.server_messages import (
    ComplianceScanCancel,
    InstallScanner,
    RefreshIntegrationStatus,
    UpgradeSsg,
)
from stages.scanners import registry

pytestmark = pytest.mark.slow

OPENSCAP, DOCKER = Wanted("openscap"), Wanted("docker-bench")
ALL = (Wanted("openscap", implied=True), Wanted("docker-bench", implied=True))
SCANNERS = registry.scanners()


@pytest.mark.parametrize(
    ("message", "meant"),
    [
        (
            {"type": "compliance_trigger", "profile": "CIS Ubuntu 22.04 L1", "request_id": "r-1"},
            Scan((Wanted("openscap", "CIS Ubuntu 22.04 L1"),), "r-1"),
        ),
        (
            {"type": "compliance_trigger", "profile": "docker-bench", "request_id": "r"},
            Scan((DOCKER,), "r"),
        ),
        ({"type": "compliance_trigger", "profile": "CIS Docker"}, Scan((DOCKER,))),
        ({"type": "compliance_trigger"}, Scan((OPENSCAP,))),
        (
            {"type": "compliance_scan", "profile_type": "openscap", "profile_id": None},
            Scan((OPENSCAP,)),
        ),
        ({"type": "compliance_scan", "profile_type": "docker-bench"}, Scan((DOCKER,))),
        ({"type": "compliance_scan", "profile_type": "all", "profile_id": ""}, Scan(ALL)),
        ({"type": "compliance_scan", "profile_type": "whatever"}, Scan(ALL)),
        (
            {"type": "compliance_scan", "profile_id": "cis"},
            Scan((Wanted("openscap", "cis"), ALL[1])),
        ),
        (
            {"type": "compliance_scan", "profile_type": "all", "docker_bench_enabled": False},
            Scan(ALL[:1]),
        ),
        ({"type": "compliance_scan", "profile_id": "docker-bench"}, Scan((DOCKER,))),
        (
            {
                "type": "compliance_scan",
                "profile_type": "openscap",
                "profile_id": "xccdf_x_profile_cis",
            },
            Scan((Wanted("openscap", "xccdf_x_profile_cis"),)),
        ),
        (
            {"type": "compliance_scan", "profile_type": "openscap", "enable_remediation": True},
            Scan((OPENSCAP,), None, remediate=True),
        ),
        (
            {"type": "compliance_scan", "profile_type": "openscap", "fetch_remote_resources": True},
            Scan((OPENSCAP,), fetch_remote=True),
        ),
        ({"type": "compliance_scan_cancel"}, ComplianceScanCancel()),
        (
            {"type": "settings_update", "compliance_scan_interval": 60},
            Apply(ServerOverrides(interval_minutes=60)),
        ),
        (
            {"type": "apply_config", "config": {"compliance": {"enabled": "on-demand"}}},
            Apply(ServerOverrides(mode="on-demand")),
        ),
        (
            {
                "type": "apply_config",
                "config": {"compliance": {"enabled": False, "openscap_enabled": False}},
            },
            Apply(ServerOverrides(mode="disabled", scanners={"openscap": False})),
        ),
        (
            {"type": "settings_update", "update_interval": 30},
            Apply(ServerOverrides(update_interval_minutes=30)),
        ),
        ({"type": "refresh_integration_status"}, RefreshIntegrationStatus()),
        ({"type": "report_now"}, Ignored("report_now")),
        (
            {"type": "remediate_rule", "rule_id": "xccdf_r"},
            Scan((OPENSCAP,), None, remediate=True, rule="xccdf_r"),
        ),
        ({"type": "install_scanner"}, InstallScanner()),
        ({"type": "upgrade_ssg"}, UpgradeSsg()),
    ],
)
def test_every_message_of_the_server_is_understood(message: dict[str, Any], meant: object) -> None:
    assert understand(json.dumps(message), SCANNERS, {}) == meant


THIRD = replace(registry.default(), key="third", section="third", title="Third Scanner")
OFFERED = {"cis": "openscap", "third_full": "third", "Third: full": "third"}


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        (
            {"type": "compliance_trigger", "profile": "Third: full"},
            (Wanted("third", "Third: full"),),
        ),
        ({"type": "compliance_trigger", "profile": "cis"}, (Wanted("openscap", "cis"),)),
        ({"type": "compliance_trigger", "profile": "gone"}, (Wanted("openscap", "gone"),)),
        ({"type": "compliance_trigger", "profile": "third"}, (Wanted("third"),)),
        ({"type": "compliance_trigger", "profile": "Third Scanner"}, (Wanted("third"),)),
        (
            {"type": "compliance_scan", "profile_type": "all", "profile_id": "third_full"},
            (*ALL, Wanted("third", "third_full")),
        ),
        (
            {"type": "compliance_scan", "profile_type": "third", "profile_id": "third_full"},
            (Wanted("third", "third_full"),),
        ),
        (
            {"type": "compliance_scan", "profile_type": "openscap", "profile_id": "third_full"},
            (Wanted("openscap", "third_full"),),
        ),
    ],
)
def test_a_profile_belongs_to_the_scanner_that_offers_it(
    message: dict[str, Any], wanted: tuple[Wanted, ...]
) -> None:
    meant = understand(json.dumps(message), (*SCANNERS, THIRD), OFFERED)
    assert isinstance(meant, Scan)
    assert meant.wanted == wanted


@pytest.mark.parametrize(
    "kind", ["run_patch", "ssh_proxy_data", "", "compliance", 7, None, ["x"], {}]
)
def test_what_is_for_another_agent_is_ignored(kind: object) -> None:
    assert understand(json.dumps({"type": kind}), SCANNERS, {}) == Ignored()


@pytest.mark.parametrize(
    "message",
    [
        {"type": "compliance_trigger", "profile": 7},
        {"type": "compliance_trigger", "profile": "x" * 257},
        {"type": "compliance_trigger", "profile": "a\nb"},
        {"type": "compliance_trigger", "profile": "p", "request_id": {"$ne": 1}},
        {"type": "compliance_scan", "profile_id": "a b"},
        {"type": "compliance_scan", "profile_id": "../../etc/passwd"},
        {"type": "compliance_scan", "profile_id": "ok\n"},
        {"type": "compliance_scan", "openscap_enabled": "true"},
        {"type": "compliance_scan", "openscap_enabled": False, "docker_bench_enabled": False},
        {"type": "compliance_scan", "enable_remediation": 1},
        {"type": "compliance_scan", "fetch_remote_resources": "yes"},
    ],
)
def test_a_malformed_request_for_a_scan_becomes_one_that_fails_with_the_reason(
    message: dict[str, Any],
) -> None:
    meant = understand(json.dumps(message), SCANNERS, {})
    assert isinstance(meant, Scan)
    assert meant.wanted == (OPENSCAP,)
    assert meant.refusal is not None
    assert meant.refusal.cause == "malformed-request"
    assert meant.refusal.reason.startswith(f"malformed request: {message['type']}: ")


@pytest.mark.parametrize(
    "message",
    [
        {"type": "remediate_rule"},
        {"type": "remediate_rule", "rule_id": "-x"},
        {"type": "remediate_rule", "rule_id": "x", "request_id": "a\x1b[2J\nb"},
    ],
)
def test_a_malformed_request_for_a_remediation_is_declined(message: dict[str, Any]) -> None:
    assert isinstance(understand(json.dumps(message), SCANNERS, {}), Decline)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "settings_update", "update_interval": 0},
        {"type": "settings_update", "compliance_scan_interval": 59},
        {"type": "settings_update", "compliance_scan_interval": 10081},
        {"type": "settings_update", "compliance_scan_interval": True},
        {"type": "settings_update", "compliance_scan_interval": "60"},
        {"type": "settings_update", "compliance_scan_interval": 60.5},
        {"type": "apply_config"},
        {"type": "apply_config", "config": []},
        {"type": "apply_config", "config": {"compliance": {"enabled": "sometimes"}}},
        {"type": "apply_config", "config": {"compliance": {"docker_bench_enabled": 0}}},
    ],
)
def test_a_field_that_is_not_as_it_should_be_makes_the_whole_message_invalid(
    message: dict[str, Any],
) -> None:
    meant = understand(json.dumps(message), SCANNERS, {})
    assert isinstance(meant, Invalid)
    assert message["type"] in meant.reason


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "null", '"x"', "NaN", "[" * 100_000, b"{}", '{"type":']
)
def test_what_is_not_a_message_is_invalid(text: str | bytes) -> None:
    assert isinstance(understand(text, SCANNERS, {}), Invalid)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda c: st.lists(c) | st.dictionaries(st.text(), c),
    )
)
def test_nothing_that_is_sent_breaks_the_reader(value: Any) -> None:
    understand(json.dumps({"type": "apply_config", "config": value}), SCANNERS, {})
    understand(
        json.dumps({"type": "compliance_scan", "profile_id": value, "profile_type": value}),
        SCANNERS,
        {},
    )
    understand(json.dumps(value), SCANNERS, {})
