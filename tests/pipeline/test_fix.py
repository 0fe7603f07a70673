"""Fixes with the real oscap: the scripts of a scan are shown, run, checked again and undone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.ids import ScanId
from tests.pipeline.agent import Agent, an_agent, until
from tests.scanners.openscap.fixable_content import (
    NEEDS_ROOT_AND_OSCAP,
    PROFILE,
    FixableRule,
    append_line,
    write_fixable_content,
)

pytestmark = NEEDS_ROOT_AND_OSCAP


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The files of a host."""
    where = tmp_path / "host"
    where.mkdir()
    (where / "one").write_text("before\n")
    (where / "one").chmod(0o640)
    os.chown(where / "one", 65534, 65534)
    os.utime(where / "one", (1_000_000_000, 1_000_000_000))
    return where


@pytest.fixture
def rules(files: Path) -> list[FixableRule]:
    """Two that can be fixed, one whose script fails in the middle, and some without a script."""
    half = f"echo half > '{files}/bad'\nsystemctl restart example\necho why >&2\nexit 3\n"
    return [
        append_line("one", files / "one", severity="high"),
        FixableRule("bad", files / "bad", "whole", half, severity="high"),
        append_line("two", files / "two"),
        FixableRule("unset", files / "unset", "x", f"echo $nothing > '{files}/unset'\n"),
        FixableRule("broken", files / "broken", "x", "if true; then\n"),
        FixableRule("other", files / "other", "x", "- hosts: all\n", system="urn:x:ansible"),
        FixableRule("none", files / "none", "x", None),
    ]


@pytest.fixture
def agent(rules: list[FixableRule], files: Path, tmp_path: Path) -> Iterator[Agent]:
    content = write_fixable_content(tmp_path / "fixable-ds.xml", rules)
    with an_agent() as agent:
        agent.settings["compliance"] = {
            "openscap": {"content": str(content), "profile": PROFILE},
            "fixes": {"directory": str(agent.home / "fixes"), "copied": [str(files)]},
        }
        agent.configure()
        yield agent


@pytest.fixture
def scan_id(agent: Agent) -> ScanId:
    scan_id = agent.ask()
    agent.start()
    until(lambda: agent.reported(scan_id), "a report")
    return scan_id


def state(files: Path) -> dict[str, tuple[int, int, int, float, str]]:
    found = {}
    for path in files.iterdir():
        status = path.stat()
        found[path.name] = (
            status.st_mode,
            status.st_uid,
            status.st_gid,
            status.st_mtime,
            path.read_text(),
        )
    return found


def contents(files: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in files.iterdir()}


def outcomes(printed: str) -> dict[str, str]:
    rules = json.loads(printed)["fix"]["rules"]
    return {rule["rule_ref"].rpartition("_")[2]: rule["outcome"] for rule in rules}


def test_a_dry_run_prints_the_scripts_with_their_values_and_changes_nothing(
    agent: Agent, scan_id: ScanId, files: Path
) -> None:
    before = state(files)
    printed = agent.run("fix", scan_id, "--dry-run")
    assert (
        f"target='{files}/one'\nwanted='filled in'\n\necho \"$wanted\" >> \"$target\"\n" in printed
    )
    assert printed.index("# [1/3] one (high)") < printed.index("# [2/3] bad (high)")
    assert printed.index("# [2/3] bad (high)") < printed.index("# [3/3] two (medium)")
    assert f"#   files: {files}/two" in printed
    assert "#   not undone by --undo: services: systemctl restart example" in printed
    assert "# not fixed: unset: its script uses $nothing, which it never sets" in printed
    assert "# not fixed: broken: bash can't read its script: " in printed
    assert "# not fixed: other: no bash script, its fixes are for urn:x:ansible" in printed
    assert "# not fixed: none: the content has no fix for it" in printed
    assert subprocess.run(["bash", "-n"], input=printed, text=True, check=False).returncode == 0
    listed = json.loads(agent.run("fix", scan_id, "--dry-run", "--severity", "high", "--json"))
    assert [rule["title"] for rule in listed] == ["Line of one", "Line of bad"]
    assert state(files) == before
    assert not (agent.home / "fixes").exists()


def test_a_fix_is_run_checked_again_and_undone(agent: Agent, scan_id: ScanId, files: Path) -> None:
    before = state(files)
    printed = agent.run("fix", scan_id, "--yes", "--json", code=1)
    assert outcomes(printed) == {
        "one": "fixed",
        "bad": "failed",
        "two": "fixed",
        "unset": "refused",
        "broken": "refused",
        "other": "refused",
        "none": "refused",
    }
    fixed = json.loads(printed)
    assert [rule["after"] for rule in fixed["recheck"]["rules"]] == ["pass", "fail", "pass"]
    reasons = {rule["title"]: rule["reason"] for rule in fixed["fix"]["rules"]}
    assert reasons["Line of bad"] == "the script ended with exit code 3: why"
    assert (files / "bad").read_text() == "half\n"
    assert (files / "two").stat().st_mode & 0o777 == 0o644
    directory = Path(fixed["fix"]["directory"])
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "files.tar").stat().st_mode & 0o777 == 0o600
    assert (directory / "output/002/stderr.log").read_text().endswith("why\n")
    shown = agent.run("show", scan_id)
    assert "2 fixed, 1 failed, 4 refused" in shown
    # The scan is what it was: a fix is not a scan.
    assert agent.report(scan_id).summary.failed == 7
    assert len(json.loads(agent.run("list", "--json"))) == 1
    undone = json.loads(agent.run("fix", "--undo", "--yes", "--json"))
    assert undone["restored"] == [f"{files}/{name}" for name in ("one", "two", "bad")]
    assert state(files) == before
    agent.run("fix", "--undo", "--yes", code=1)


def test_named_rules_alone_are_fixed(agent: Agent, scan_id: ScanId, files: Path) -> None:
    printed = agent.run("fix", scan_id, "--rule", "two", "--yes", "--json")
    assert outcomes(printed) == {"two": "fixed"}
    assert (files / "one").read_text() == "before\n"
    text = agent.run("fix", scan_id, "--rule", "one", "--yes")
    assert "1 rule re-checked: 1 rule newly passed" in text
    assert "to undo it: compliance-agent fix --undo " in text


def test_what_has_changed_since_is_named_and_what_the_fix_left_alone_stays(
    agent: Agent, scan_id: ScanId, files: Path
) -> None:
    agent.run("fix", scan_id, "--rule", "one", "two", "--yes")
    (files / "later").write_text("the administrator's\n")
    (files / "two").write_text("changed again\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", agent.module, "fix", "--undo", "--yes"),
            *("--config", str(agent.config)),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert f"{files}/two has changed since the fix: that change is lost" in done.stderr
    assert {path.name for path in files.iterdir()} == {"one", "later"}
    assert (files / "one").read_text() == "before\n"


def test_a_fix_asks_and_without_a_terminal_needs_yes(
    agent: Agent, scan_id: ScanId, files: Path
) -> None:
    before = state(files)
    printed = agent.run("fix", scan_id, code=2)
    assert "[1/3] one (high): Line of one" in printed
    assert state(files) == before
    agent.run("fix", code=2)
    agent.run("fix", scan_id, "--undo", "--yes", code=2)
    agent.run("fix", scan_id, "--rule", "none", "--yes", code=1)


def test_a_directory_that_others_may_enter_is_refused(
    agent: Agent, scan_id: ScanId, files: Path
) -> None:
    before = state(files)
    (agent.home / "fixes").mkdir(mode=0o755)
    agent.run("fix", scan_id, "--yes", code=3)
    assert state(files) == before


def test_where_the_copy_does_not_fit_nothing_is_run_and_the_disk_is_as_before(
    agent: Agent, scan_id: ScanId, files: Path
) -> None:
    (files / "big").write_bytes(bytes(2 << 20))
    before = contents(files)
    fixes = agent.home / "fixes"
    fixes.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(fixes)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("can't mount a tmpfs here")
    try:
        agent.run("fix", scan_id, "--yes", code=3)
        assert contents(files) == before
        assert not list(fixes.glob("*/*"))
        run = next(run for _, run in agent.spool.fixes.runs())
        assert run.rules == ()
        assert run.error is not None
        assert "the files can't be copied: No space left on device; nothing was run" in run.error
        assert run.error in agent.run("show", scan_id)
        agent.run("fix", "--undo", "--yes", code=1)
    finally:
        subprocess.run(["umount", "-l", str(fixes)], check=True)


def test_an_interrupted_fix_and_a_killed_one_can_be_undone(
    agent: Agent, rules: list[FixableRule], files: Path, tmp_path: Path
) -> None:
    started = files / "started"
    waits = f"echo half > '{files}/slow'\n: > '{started}'\nexec sleep 600\n"
    slow = [rules[0], FixableRule("slow", files / "slow", "whole", waits), rules[2]]
    write_fixable_content(tmp_path / "fixable-ds.xml", slow)
    scan_id = agent.ask()
    agent.start()
    until(lambda: agent.reported(scan_id), "a report")
    before = state(files)
    for number in (signal.SIGINT, signal.SIGKILL):
        command = [sys.executable, "-m", agent.module, "fix", scan_id, "--yes"]
        fixing = subprocess.Popen(
            [*command, "--config", str(agent.config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(started.exists, "the second script runs")
        fixing.send_signal(number)
        fixing.wait(timeout=60)
        runs = list(agent.spool.fixes.runs())
        assert len(runs) == 1
        assert [rule.outcome for rule in runs[0][1].rules] == [
            "failing",
            "interrupted",
            "interrupted",
        ]
        agent.run("fix", "--undo", "--yes")
        assert state(files) == before


def test_a_later_scan_tells_fixed_rules_apart(agent: Agent, scan_id: ScanId, files: Path) -> None:
    agent.run("fix", scan_id, "--rule", "one", "two", "--yes")
    (files / "two").unlink()
    again = agent.ask()
    until(lambda: agent.reported(again), "a report")
    rules = {rule.title: rule for rule in agent.report(again).results}
    at = next(agent.spool.fixes.runs())[1].at
    assert rules["Line of one"].status == "pass"
    assert rules["Line of one"].finding == f"fixed on {at:%Y-%m-%d}, passes since"
    assert (rules["Line of two"].finding or "").startswith(f"fixed on {at:%Y-%m-%d}, fails again. ")
    assert [rule.fixed_at for rule in rules.values() if rule.fixed_at] == [at, at]
    page = agent.run("show", again, "--format", "html")
    assert f"fixed {at:%Y-%m-%d}" in page
    assert '"fixedAt"' in agent.run("show", again, "--format", "sarif")
    assert "fixed on" in agent.run("show", again, "--format", "csv")
    assert "passes since" in agent.run("show", again, "--rule", "one")
    agent.run("fix", "--undo", "--yes")
    undone = agent.ask()
    until(lambda: agent.reported(undone), "a report")
    assert not any(rule.fixed_at for rule in agent.report(undone).results)
