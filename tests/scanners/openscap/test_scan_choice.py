"""Which scan of the settings a request means, with real content."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from schemas.capabilities import DetectedScanner
from schemas.codec import convert
from schemas.ids import new_scan_id
from schemas.request import Reason, Request
from stages.scanners.host import this_platform
from stages.scanners.openscap import scan_choice
from stages.scanners.openscap.content import EVERY_RESULT, LINUX
from stages.scanners.openscap.openscap_detection import detect, surroundings
from stages.scanners.openscap.openscap_run import OpenSCAP
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.scan_choice import ChosenScan, NoScan
from stages.scanners.runner import CannotRun, Plan
from tests.scanners.openscap.content_samples import AT
from tests.scanners.openscap.test_tailoring import tailoring, written

pytestmark = pytest.mark.oscap

LINUX_SCAN = {"profile": "linux_standard", "schedule": "0 3 * * *"}
OTHER_SCAN = {"profile": "every_result", "schedule": "0 5 * * *", "content": str(EVERY_RESULT)}
THIRD_SCAN = {**OTHER_SCAN, "profile": "all_pass"}


def settings(*scans: dict[str, Any], **openscap: Any) -> OpenSCAPSettings:
    return convert({"content": str(LINUX), "scans": scans, **openscap}, OpenSCAPSettings)


SEVERAL = settings(LINUX_SCAN, OTHER_SCAN, THIRD_SCAN)


@cache
def detected(wanted: OpenSCAPSettings = SEVERAL) -> DetectedScanner:
    return detect(wanted, this_platform(), {}).scanner


def a_request(
    profile: str | None = None, tailoring: str | None = None, content: str | None = None
) -> Request:
    return Request(
        scan_id=new_scan_id("openscap", AT),
        scanner="openscap",
        profile=profile,
        tailoring=tailoring,
        content=content,
        reason=Reason(source="operator", at=AT),
    )


def chosen(request: Request, wanted: OpenSCAPSettings = SEVERAL) -> tuple[str, str]:
    """The key of the scan, and the profile."""
    found = scan_choice.choose(request, scan_choice.offers(wanted, detected(wanted)))
    assert isinstance(found, ChosenScan), found
    return found.offer.planned.key, found.chosen.profile.short_name


def test_a_request_that_names_nothing_means_the_first_scan() -> None:
    assert chosen(a_request()) == ("scans[0]", "linux_standard")
    reverse = settings(THIRD_SCAN, OTHER_SCAN, LINUX_SCAN)
    assert chosen(a_request(), reverse) == ("scans[0]", "all_pass")


@pytest.mark.parametrize(
    ("profile", "key"),
    [
        ("linux_standard", "scans[0]"),
        ("every_result", "scans[1]"),
        ("Every Result", "scans[1]"),
        ("xccdf_io.github.compliance-agent.every-result_profile_all_pass", "scans[2]"),
    ],
)
def test_a_profile_means_the_scan_of_that_profile_under_any_of_its_names(
    profile: str, key: str
) -> None:
    assert chosen(a_request(profile))[0] == key


def test_a_profile_of_no_scan_is_that_of_the_first_content_that_has_it() -> None:
    assert chosen(a_request("nothing_applies")) == ("scans[1]", "nothing_applies")


def test_a_request_in_full_means_exactly_that_scan() -> None:
    request = a_request("all_pass", content=str(EVERY_RESULT))
    assert chosen(request) == ("scans[2]", "all_pass")


def test_content_and_tailoring_that_the_settings_do_not_name_are_never_used(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    for request in (
        a_request("every_result", content=str(secret)),
        a_request("linux_standard", content=str(LINUX), tailoring=str(secret)),
        a_request(content=str(EVERY_RESULT)),
    ):
        refused = OpenSCAP(SEVERAL, detected()).plan(request, tmp_path)
        assert isinstance(refused, CannotRun)
        assert "is not in the settings any more: request another" in refused.reason


def test_an_unknown_profile_is_never_replaced_by_another() -> None:
    found = scan_choice.choose(a_request("no-such"), scan_choice.offers(SEVERAL, detected()))
    assert isinstance(found, NoScan)
    assert found.reason.startswith("unknown profile: 'no-such' is not in the content")


def test_each_scan_is_run_with_its_own_content(tmp_path: Path) -> None:
    for profile, content in ((None, LINUX), ("all_pass", EVERY_RESULT)):
        plan = OpenSCAP(SEVERAL, detected()).plan(a_request(profile), tmp_path)
        assert isinstance(plan, Plan)
        assert plan.content is not None
        assert plan.content.path == str(content)
        assert plan.command[-1] == str(content)


def test_only_requests_for_the_same_scan_are_answered_together() -> None:
    runner = OpenSCAP(SEVERAL, detected())
    nothing, first = a_request(), a_request("linux_standard", content=str(LINUX))
    assert runner.is_same_scan(nothing, first)
    assert runner.is_same_scan(a_request("Every Result"), a_request("every_result"))
    assert not runner.is_same_scan(first, a_request("every_result"))
    assert not runner.is_same_scan(a_request("no-such"), a_request("no-such"))


def test_the_same_profile_with_and_without_a_tailoring_are_two_scans(tmp_path: Path) -> None:
    file = written(tmp_path, tailoring(identifier=LINUX_PROFILE, title="Linux"))
    tailored = {**LINUX_SCAN, "tailoring": str(file)}
    both = settings(tailored, LINUX_SCAN)
    runner = OpenSCAP(both, detected(both))
    plain_request = a_request("linux_standard", content=str(LINUX))
    tailored_request = a_request("linux_standard", str(file), str(LINUX))
    plain_plan = runner.plan(plain_request, tmp_path)
    tailored_plan = runner.plan(tailored_request, tmp_path)
    assert isinstance(plain_plan, Plan)
    assert isinstance(tailored_plan, Plan)
    assert plain_plan.profile_title != tailored_plan.profile_title
    assert "--tailoring-file" in tailored_plan.command
    assert "--tailoring-file" not in plain_plan.command
    assert not runner.is_same_scan(plain_request, tailored_request)


def test_of_two_tailorings_with_one_title_only_the_first_is_run(tmp_path: Path) -> None:
    scans = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        file = written(tmp_path / name, tailoring(identifier=f"{LINUX_PROFILE}_{name}", title="T"))
        scans.append({**LINUX_SCAN, "profile": "T", "tailoring": str(file)})
    both = settings(*scans)
    runner = OpenSCAP(both, detected(both))
    first, second = (a_request("T", scan["tailoring"], str(LINUX)) for scan in scans)
    assert isinstance(runner.plan(first, tmp_path), Plan)
    refused = runner.plan(second, tmp_path)
    assert isinstance(refused, CannotRun)
    assert refused.reason.startswith(
        "compliance.openscap.scans[1].profile: has the same title as that of scans[0], "
        "'T (tailored)', and a server keeps one result for each title"
    )


def test_one_scan_with_two_schedules_is_run_for_both(tmp_path: Path) -> None:
    again = {**OTHER_SCAN, "profile": "Every Result"}
    both = settings(OTHER_SCAN, again)
    runner = OpenSCAP(both, detected(both))
    request = a_request("Every Result", content=str(EVERY_RESULT))
    assert isinstance(runner.plan(request, tmp_path), Plan)


LINUX_PROFILE = "xccdf_io.github.compliance-agent.content_profile_linux_standard"


def test_a_file_of_one_scan_that_can_not_be_used_leaves_the_others_alone(tmp_path: Path) -> None:
    broken = {**LINUX_SCAN, "tailoring": str(tmp_path / "none.xml")}
    missing = {**OTHER_SCAN, "content": str(tmp_path / "none-ds.xml")}
    wanted = settings(OTHER_SCAN, broken, missing)
    found = detected(wanted)
    assert found.ready
    reasons = "\n".join(found.problems)
    assert f"compliance.openscap.scans[1].tailoring: {tmp_path}/none.xml: " in reasons
    assert f"compliance.openscap.scans[2].content: {tmp_path}/none-ds.xml: there is no" in reasons
    runner = OpenSCAP(wanted, found)
    assert isinstance(runner.plan(a_request(), tmp_path), Plan)
    for request, key in (
        (a_request("linux_standard", broken["tailoring"], str(LINUX)), "scans[1].tailoring"),
        (a_request("every_result", content=missing["content"]), "scans[2].content"),
    ):
        refused = runner.plan(request, tmp_path)
        assert isinstance(refused, CannotRun)
        assert key in refused.reason


def test_the_scans_of_one_content_are_detected_once() -> None:
    offers = scan_choice.offers(SEVERAL, detected())
    assert offers[1].detected is not offers[0].detected
    assert offers[1].detected == offers[2].detected
    same_content = settings(LINUX_SCAN, {**LINUX_SCAN, "profile": "other"})
    assert detected(same_content).details["scans"] == ()


def test_all_profiles_are_offered_those_of_the_first_scan_first() -> None:
    names = [profile.short_name for profile in detected().profiles]
    assert names[0] == "linux_standard"
    assert {"every_result", "all_pass"} < set(names)
    offered = detected().specified["available_profiles"]
    assert [profile["id"] for profile in offered] == [info.id for info in detected().profiles]


def test_the_files_of_every_scan_are_watched(tmp_path: Path) -> None:
    wanted = settings({**LINUX_SCAN, "tailoring": str(tmp_path / "t.xml")}, OTHER_SCAN)
    watched = set(surroundings(wanted, tmp_path))
    assert {str(LINUX), str(EVERY_RESULT), str(tmp_path / "t.xml")} < watched


def problems_of(*scans: dict[str, Any]) -> list[str]:
    wanted = settings(*scans)
    found = scan_choice.problems(scan_choice.offers(wanted, detected(wanted)))
    return list(map(str, found))


def test_each_unknown_profile_of_the_settings_is_reported_with_its_key() -> None:
    first, second = problems_of(
        {**LINUX_SCAN, "profile": "cis"}, LINUX_SCAN, {**OTHER_SCAN, "profile": "every"}
    )
    assert first.startswith("compliance.openscap.scans[0].profile: unknown profile: 'cis'")
    assert second.startswith("compliance.openscap.scans[2].profile: unknown profile: 'every'")
    assert second.endswith("nearest: every_result")


def test_two_scans_whose_results_the_server_would_keep_as_one_are_reported() -> None:
    (problem,) = problems_of(OTHER_SCAN, THIRD_SCAN, {**OTHER_SCAN, "profile": "Every Result"})
    assert problem.startswith(
        "compliance.openscap.scans[2].profile: has the same title as that of scans[0], "
        "'Every Result'"
    )
    assert problems_of(LINUX_SCAN, OTHER_SCAN, THIRD_SCAN) == []
