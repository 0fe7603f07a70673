"""The HTML report in a real Chromium: what a reader can do, and what hostile text can't."""

import json
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from schemas.report import Report
from stages.formats import as_html
from stages.formats.compare import compare
from stages.formats.comparison_views import comparison_html
from tests.formats import reports

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Open = Callable[..., None]
DEADLINE_S = 10.0


@pytest.fixture
def open_report(browser: Chrome, tmp_path: Path) -> Open:
    """Opens the page of a report; `fragment` is a deep link."""

    def opened(report: Report, fragment: str = "") -> None:
        page = tmp_path / "report.html"
        page.write_bytes(b"".join(as_html.render(reports.source(report))))
        entries(browser, "performance")
        entries(browser, "browser")
        browser.get("about:blank")
        browser.get(f"{page.as_uri()}{fragment}")

    return opened


def entries(browser: Any, log: str) -> list[dict[str, Any]]:
    """What was added to a log since the last time."""
    found: list[dict[str, Any]] = browser.get_log(log)
    return found


def shown_rules(browser: Chrome) -> list[WebElement]:
    return [rule for rule in browser.find_elements(By.CLASS_NAME, "rule") if rule.is_displayed()]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the page did not get there in time"
        time.sleep(0.02)


def press(browser: Chrome, key: str) -> None:
    browser.switch_to.active_element.send_keys(key)


def requests_made(browser: Chrome) -> list[str]:
    """The URLs that the page itself requested, beside its own."""
    urls = []
    for entry in entries(browser, "performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            params = message["params"]
            if params["documentURL"].startswith("file:"):
                urls.append(params["request"]["url"])
    return [url for url in urls if not url.endswith("/report.html")]


def test_failed_rules_are_shown_and_passed_ones_folded(browser: Chrome, open_report: Open) -> None:
    open_report(reports.of_every_status())
    statuses = {rule.get_attribute("data-status") for rule in shown_rules(browser)}
    assert statuses == {"fail", "error", "warn"}
    first = browser.find_element(By.CLASS_NAME, "rule")
    assert first.get_attribute("data-status") == "fail"


def test_the_page_asks_the_network_for_nothing(browser: Chrome, open_report: Open) -> None:
    open_report(reports.of_every_status())
    assert requests_made(browser) == []
    assert entries(browser, "browser") == []


def test_hostile_text_runs_nothing_and_loads_nothing(browser: Chrome, open_report: Open) -> None:
    open_report(reports.hostile())
    assert requests_made(browser) == []
    assert entries(browser, "browser") == []
    assert len(browser.find_elements(By.TAG_NAME, "script")) == 1
    titles = [title.text for title in browser.find_elements(By.CSS_SELECTOR, ".rule-title bdi")]
    assert any(title.startswith("<script>alert(1)</script>") for title in titles)
    assert any("\\u202egpj.exe" in title for title in titles)


def test_the_policy_stops_a_script_that_gets_in(browser: Chrome, open_report: Open) -> None:
    open_report(reports.report())
    browser.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.broken = 1';"
        "document.body.append(s);"
        "const i = new Image(); i.src = 'https://example.org/x.png'; document.body.append(i);"
    )
    assert browser.execute_script("return window.broken === undefined")
    assert any(
        "Content Security Policy" in entry["message"] for entry in entries(browser, "browser")
    )


def test_the_search_finds_rules_also_in_folded_parts(browser: Chrome, open_report: Open) -> None:
    open_report(reports.of_every_status())
    browser.find_element(By.ID, "search").send_keys("ensure PASS_0")
    until(lambda: browser.find_element(By.ID, "shown").text == "1 of 21 rules")
    (rule,) = shown_rules(browser)
    assert rule.get_attribute("id") == "rule-pass_0"


def test_filters_leave_the_chosen_status_and_severity(browser: Chrome, open_report: Open) -> None:
    open_report(reports.of_every_status())
    for box in browser.find_elements(By.CSS_SELECTOR, "input[name=status]"):
        if box.get_attribute("value") != "error":
            box.send_keys(Keys.SPACE)
    browser.find_element(By.CSS_SELECTOR, "input[value=critical]").send_keys(Keys.SPACE)
    until(lambda: browser.find_element(By.ID, "shown").text == "4 of 21 rules")
    assert {r.get_attribute("data-status") for r in shown_rules(browser)} == {"error"}


def test_a_search_without_a_match_says_so(browser: Chrome, open_report: Open) -> None:
    open_report(reports.of_every_status())
    browser.find_element(By.ID, "search").send_keys("no such rule")
    until(lambda: browser.find_element(By.ID, "nothing").is_displayed())


def test_the_keyboard_is_enough(browser: Chrome, open_report: Open) -> None:
    open_report(reports.of_every_status())
    press(browser, "j")
    press(browser, "j")
    press(browser, "k")
    first = browser.find_element(By.CLASS_NAME, "rule")
    assert browser.switch_to.active_element == first.find_element(By.TAG_NAME, "summary")
    press(browser, Keys.ENTER)
    assert first.get_attribute("open") is not None
    press(browser, "/")
    assert browser.switch_to.active_element.get_attribute("id") == "search"
    press(browser, "nothing matches this")
    until(lambda: browser.find_element(By.ID, "nothing").is_displayed())
    press(browser, Keys.ESCAPE)
    until(lambda: browser.find_element(By.ID, "shown").text == "21 of 21 rules")
    press(browser, "?")
    assert browser.find_element(By.ID, "help").is_displayed()


def test_a_deep_link_opens_its_rule(browser: Chrome, open_report: Open) -> None:
    open_report(reports.of_every_status(), "#rule-pass_0")
    rule = browser.find_element(By.ID, "rule-pass_0")
    until(rule.is_displayed)
    assert rule.get_attribute("open") is not None


def test_rules_can_be_grouped_by_severity_and_back(browser: Chrome, open_report: Open) -> None:
    open_report(reports.of_every_status())

    def headings() -> list[str]:
        failed = browser.find_element(By.CSS_SELECTOR, "[data-bucket=fail]")
        return [heading.text for heading in failed.find_elements(By.TAG_NAME, "h3")]

    select = Select(browser.find_element(By.ID, "grouping"))
    select.select_by_value("severity")
    until(lambda: headings() == ["Critical 1", "High 1"])
    select.select_by_value("section")
    until(lambda: headings() == ["Section 1.2 2"])


def test_the_copy_button_copies_what_is_shown(browser: Chrome, open_report: Open) -> None:
    open_report(reports.of_every_status())
    browser.execute_script(
        "navigator.clipboard.writeText = (text) => { window.copied = text; return "
        "Promise.resolve(); };"
    )
    press(browser, "j")
    press(browser, Keys.ENTER)
    browser.find_element(By.CLASS_NAME, "copy").send_keys(Keys.ENTER)
    until(lambda: browser.find_element(By.CLASS_NAME, "copy").text == "Copied")
    assert browser.execute_script("return window.copied") == (
        "sed -i 's/yes/no/' /etc/ssh/sshd_config"
    )


def test_finding_expected_and_actual_lie_side_by_side(browser: Chrome, open_report: Open) -> None:
    open_report(reports.of_every_status())
    press(browser, "j")
    press(browser, Keys.ENTER)
    rule = browser.find_element(By.CLASS_NAME, "rule")
    expected = rule.find_element(By.CLASS_NAME, "expected").rect
    actual = rule.find_element(By.CLASS_NAME, "actual").rect
    assert expected["y"] == actual["y"]
    assert expected["x"] + expected["width"] <= actual["x"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "report",
    [reports.of_every_status(), reports.hostile(), reports.failed_scan(), reports.large(9, 5000)],
    ids=["every status", "hostile", "failed scan", "long findings"],
)
def test_axe_has_no_violation(
    browser: Chrome, open_report: Open, report: Report, scheme: str
) -> None:
    feature = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
    open_report(report)
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true;")
    assert axe_violations(browser) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_no_violation_in_a_comparison(browser: Chrome, tmp_path: Path, scheme: str) -> None:
    feature = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
    page = tmp_path / "comparison.html"
    comparison = compare(reports.report(reports.rule("a")), reports.hostile())
    page.write_text(comparison_html(comparison, "1.0"))
    browser.get(page.as_uri())
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true;")
    assert axe_violations(browser) == []


def axe_violations(browser: Chrome) -> list[str]:
    axe = resources.files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
    browser.execute_cdp_cmd("Runtime.evaluate", {"expression": axe})
    found: dict[str, Any] = browser.execute_async_script(
        "const done = arguments[0]; axe.run(document).then(done);"
    )
    return [
        f"{violation['id']}: {violation['nodes'][0]['html'][:200]}"
        for violation in found["violations"]
    ]


def test_400_rules_are_shown_in_less_than_a_second(browser: Chrome, open_report: Open) -> None:
    """The fastest of three loads: other work on the machine must not decide."""
    open_report(reports.large(400, 400))
    timing = "return performance.getEntriesByType('navigation')[0].loadEventEnd"
    loads = []
    for _ in range(3):
        until(lambda: browser.execute_script(timing) > 0)
        loads.append(browser.execute_script(timing))
        browser.refresh()
    assert min(loads) < 1000


def test_5000_rules_can_be_searched(browser: Chrome, open_report: Open) -> None:
    open_report(reports.large(5000))
    browser.find_element(By.ID, "search").send_keys("rule_4999")
    until(lambda: browser.find_element(By.ID, "shown").text == "1 of 5000 rules")


def test_on_paper_every_failed_rule_is_open(browser: Chrome, open_report: Open) -> None:
    open_report(reports.of_every_status())
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    failed = browser.find_elements(By.CSS_SELECTOR, "[data-bucket=fail] .rule")
    assert all(rule.get_attribute("open") is not None for rule in failed)
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert all(rule.get_attribute("open") is None for rule in failed)
