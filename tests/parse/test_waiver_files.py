"""Reading the waiver files: problems with file and line, and a bad file excepts nothing."""

from pathlib import Path

import pytest

from schemas.settings import WaiverSettings
from stages.parse import waiver_files

GOOD = """\
# Approved on the board of 2026-11-02.
- rule: umask
  reason: legacy host
  approved_by: Ann
  expires: 2027-03-31
"""


def load(directory: Path, *, open_ended: bool = False) -> waiver_files.WaiverSet:
    return waiver_files.load(WaiverSettings(directory=str(directory), open_ended=open_ended))


def written(directory: Path, text: str, name: str = "ops.yml") -> Path:
    path = directory / name
    path.write_text(text)
    path.chmod(0o644)
    return path


def test_a_missing_directory_has_no_waivers_and_no_problems(tmp_path: Path) -> None:
    assert load(tmp_path / "missing") == waiver_files.WaiverSet()


def test_every_yml_file_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    written(tmp_path, GOOD.replace("umask", "b"), "20.yml")
    written(tmp_path, GOOD.replace("umask", "a"), "10.yml")
    written(tmp_path, "not yaml: [", "notes.txt")
    found = load(tmp_path)
    assert [placed.waiver.rule for placed in found.waivers] == ["a", "b"]
    assert found.waivers[0].place == f"{tmp_path / '10.yml'}, line 2"
    assert found.problems == ()


def test_an_empty_file_has_no_waivers(tmp_path: Path) -> None:
    written(tmp_path, "# none yet\n")
    assert load(tmp_path) == waiver_files.WaiverSet()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD.replace("  approved_by: Ann\n", ""), "line 2: approved_by: is missing"),
        (GOOD.replace("  expires: 2027-03-31\n", ""), "line 2: expires: is missing"),
        (GOOD.replace("2027-03-31", "soon"), "line 2: expires: must be a date like 2027-03-31"),
        (
            GOOD.replace("2027-03-31", "2027-02-30"),
            "line 2: expires: must be a date like 2027-03-31; it is 2027-02-30: day",
        ),
        (GOOD.replace("rule: umask", "rule: '*'"), "line 2: rule: fits every rule"),
        (GOOD.replace("rule: umask", "rule: '*_*'"), "line 2: rule: fits every rule"),
        (
            GOOD.replace("rule: umask", "rule: xccdf_org.ssgproject.content_rule_*"),
            "line 2: rule: fits every rule",
        ),
        (GOOD.replace("reason:", "resaon:"), "line 2: resaon: no such key; did you mean reason?"),
        (GOOD.replace("legacy host", "'a\\tb'").replace("'", '"'), "reason: contains characters"),
        ("rule: umask\n", "must be a list of waivers, is a mapping of keys"),
        ("- umask\n", "line 1: must be a mapping of keys, is a text"),
        ("- [", "is not YAML"),
        ("\x00", "is not YAML"),
        (GOOD + "  reason: twice\n", "duplicate key"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    path = written(tmp_path, text)
    found = load(tmp_path)
    assert any(problem in each for each in found.problems)
    assert all(each.startswith(str(path)) for each in found.problems)


def test_a_file_with_a_mistake_excepts_nothing(tmp_path: Path) -> None:
    written(tmp_path, GOOD + GOOD.replace("expires", "expire"))
    found = load(tmp_path)
    assert found.waivers == ()
    assert all("line 7" in problem for problem in found.problems)


def test_a_mistake_in_one_file_leaves_the_others_in_force(tmp_path: Path) -> None:
    written(tmp_path, "- [", "bad.yml")
    written(tmp_path, GOOD)
    assert len(load(tmp_path).waivers) == 1


def test_open_ends_need_a_setting(tmp_path: Path) -> None:
    written(tmp_path, GOOD.replace("  expires: 2027-03-31\n", ""))
    assert load(tmp_path).problems
    assert load(tmp_path, open_ended=True).waivers[0].waiver.expires is None


def test_everything_can_be_waived_where_that_is_confirmed(tmp_path: Path) -> None:
    written(tmp_path, GOOD.replace("rule: umask", "rule: '*'\n  all_rules: true"))
    assert load(tmp_path).problems == ()


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o646])
def test_a_file_that_others_may_write_excepts_nothing(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, GOOD)
    path.chmod(mode)
    found = load(tmp_path)
    assert found.waivers == ()
    assert found.problems == (f"{path}: others may write it (mode {mode:04o}): chmod go-w {path}",)


def test_contradicting_waivers_are_both_named_and_none_applies(tmp_path: Path) -> None:
    one = written(tmp_path, GOOD, "a.yml")
    two = written(tmp_path, GOOD.replace("2027-03-31", "2028-03-31"), "b.yml")
    found = load(tmp_path)
    assert found.waivers == ()
    (problem,) = found.problems
    assert problem.startswith(f"{two}, line 2: contradicts {one}, line 2")


def test_equal_waivers_count_once(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "a.yml")
    written(tmp_path, GOOD, "b.yml")
    assert len(load(tmp_path).waivers) == 1


def test_a_file_that_is_too_long_is_a_problem_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yml"
    with path.open("wb") as stream:
        stream.truncate(2 * 1024 * 1024 * 1024)
    path.chmod(0o644)
    assert "larger than" in load(tmp_path).problems[0]
