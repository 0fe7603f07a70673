"""`tailor` as an administrator calls it, and what the other commands make of its file."""

import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from stages.scanners.openscap.content import LINUX
from tests.console.program import agent

pytestmark = pytest.mark.slow

OWN = "xccdf_io.github.compliance-agent.content_"


@pytest.fixture
def configured(config: Path, tmp_path: Path) -> Path:
    """A host with the built-in content, whose tailoring is the file that the tests write."""
    settings = json.loads(config.read_text())
    settings["compliance"] = {"openscap": {"content": str(LINUX)}}
    config.write_text(json.dumps(settings))
    return config


def set_tailoring(config: Path, file: Path) -> None:
    settings = json.loads(config.read_text())
    settings["compliance"]["openscap"]["tailoring"] = str(file)
    config.write_text(json.dumps(settings))


def test_the_file_is_valid_and_its_profile_is_the_one_of_the_settings(
    configured: Path, tmp_path: Path
) -> None:
    file = tmp_path / "tailoring.xml"
    made = agent(
        *("tailor", "--profile", "linux_strict", "--unselect", "umask"),
        *("--set-value", "pass_max_days=77", "-o", str(file)),
        config=configured,
    )
    assert made.stderr == ""
    assert "Linux Baseline - Strict (tailored): written into" in made.stdout
    assert "1 rule unselected, 0 selected, 1 value set" in made.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [path.name for path in tmp_path.glob(".*.new")] == []
    set_tailoring(configured, file)
    checked = json.loads(agent("config", "check", "--json", config=configured).stdout)
    assert checked["problems"] == []
    assert f"tailored by {file}" in checked["remarks"]
    profiles = json.loads(agent("profiles", "--json", config=configured).stdout)
    assert profiles[0]["id"] == f"{OWN}profile_linux_strict_tailored"
    assert profiles[0]["title"] == "Linux Baseline - Strict (tailored)"


@pytest.mark.oscap
def test_oscap_finds_the_file_valid(configured: Path, tmp_path: Path) -> None:
    file = tmp_path / "tailoring.xml"
    title = ("--title", "A & <B>")
    agent("tailor", "--unselect", "umask", *title, "-o", str(file), config=configured)
    oscap = shutil.which("oscap") or "oscap"
    command = [oscap, "xccdf", "validate", "--skip-schematron", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    shown = subprocess.run([oscap, "info", str(file)], capture_output=True, text=True, check=True)
    assert "Title: A &amp; &lt;B&gt; (tailored)" in shown.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--unselect", "umsk"),
            "--unselect umsk: the content has no such rule or group; similar: ",
        ),
        (("--select", "umsk"), "similar: umask"),
        (("--set-value", "pass_max_day=3"), "no such value; similar: pass_max_days"),
        (("--set-value", "pass_max_days=x"), "'x' is not a number: the benchmark has 365, 90"),
        (("--set-value", "pass_max_days"), "must be NAME=TEXT"),
        (("--set-value", "umask=\x1b[31m"), "contains characters that XML can't hold"),
        (("--unselect", "umask", "--title", "a\x01"), "contains characters that cannot be printed"),
        (
            ("--unselect", "umask", "--title", "a\udcff"),
            "contains characters that cannot be printed",
        ),
        (("--set-value", "umask=1", "--set-value", "umask=2"), "is given twice"),
        (("--unselect", "umask", "--select", "umask"), "both name"),
        (("--profile", "linux_stric", "--unselect", "umask"), "nearest: linux_strict"),
        ((), "nothing to change"),
    ],
)
def test_a_mistake_writes_no_file(
    configured: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    file = tmp_path / "tailoring.xml"
    refused = agent("tailor", *options, "-o", str(file), config=configured, code=2)
    assert message in refused.stderr
    assert not file.exists()


def test_all_mistakes_are_named_at_once(configured: Path, tmp_path: Path) -> None:
    options = ("--unselect", "umsk", "--set-value", "nothing=1", "-o", str(tmp_path / "t"))
    message = agent("tailor", *options, config=configured, code=2).stderr
    assert "--unselect umsk" in message
    assert "--set-value nothing" in message


def test_a_file_that_is_there_is_replaced_with_force_alone(
    configured: Path, tmp_path: Path
) -> None:
    file = tmp_path / "tailoring.xml"
    file.write_text("mine")
    options = ("tailor", "--unselect", "umask", "-o", str(file))
    refused = agent(*options, config=configured, code=2)
    assert f"{file}: is there already; --force replaces it" in refused.stderr
    assert file.read_text() == "mine"
    agent(*options, "--force", config=configured)
    assert "umask" in file.read_text()


def test_a_link_that_others_have_put_there_is_not_followed(
    configured: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for draft in (".t.xml.new", ".t.xml.tmp"):
        (tmp_path / draft).symlink_to(victim)
    file = tmp_path / "t.xml"
    options = ("tailor", "--unselect", "umask", "--force", "-o")
    agent(*options, str(file), config=configured)
    assert "umask" in file.read_text()
    link = tmp_path / "link.xml"
    link.symlink_to(victim)
    for other in (link, Path("/dev/stdout"), Path("/dev/null")):
        refused = agent(*options, str(other), config=configured, code=2)
        assert f"{other}: is not a plain file: name another one" in refused.stderr
    assert victim.read_text() == "mine"


def test_what_has_no_effect_and_where_it_can_not_be_used_is_remarked(
    configured: Path, tmp_path: Path
) -> None:
    directory = tmp_path / "open"
    directory.mkdir()
    directory.chmod(0o777)
    file = directory / "t.xml"
    made = agent("tailor", "--select", "umask", "-o", str(file), config=configured)
    assert "rule_umask: is selected by the profile already" in made.stderr
    assert "it can't be used from there: " in made.stderr


def test_config_check_names_the_line_of_what_does_not_fit(configured: Path, tmp_path: Path) -> None:
    file = tmp_path / "tailoring.xml"
    agent("tailor", "--unselect", "umask", "-o", str(file), config=configured)
    file.write_text(file.read_text().replace("rule_umask", "rule_umsk"))
    set_tailoring(configured, file)
    shown = agent("config", "check", config=configured, code=2).stdout
    assert (
        f"compliance.openscap.tailoring: {file}: line 7: {LINUX} has no {OWN}rule_umsk: remove the "
        f"line; similar: {OWN}rule_umask"
    ) in shown


def test_a_title_that_another_tailoring_of_the_settings_has_is_named(
    configured: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.xml", tmp_path / "second.xml"
    agent("tailor", "--unselect", "umask", "-o", str(first), config=configured)
    set_tailoring(configured, first)
    made = agent("tailor", "--select", "umask", "-o", str(second), config=configured)
    assert f"{first} of the settings has the same title" in made.stderr
    other = ("--select", "umask", "--title", "Other", "--force")
    made = agent("tailor", *other, "-o", str(second), config=configured)
    assert "same title" not in made.stderr
    # No other file is replaced.
    again = agent("tailor", "--unselect", "umask", "--force", "-o", str(first), config=configured)
    assert "same title" not in again.stderr
