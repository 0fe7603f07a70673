from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from schemas.settings import Settings, every_key
from stages.process.settings_file import load, parse

ROOT = Path(__file__).parent.parent.parent

SPECIFICATION = b"""
# config.yml
server:
  url: "https://patchmon.example.com"

api:
  id: "patchmon_abc123"
  key: "your-api-key"

compliance:
  enabled: true

  openscap:
    enabled: true
    profile: "xccdf_org.ssgproject.content_profile_cis_level1_server"
    schedule: "0 3 * * 0"  # Weekly at 3 AM Sunday

  docker_bench:
    enabled: true
    schedule: "0 4 * * 0"  # Weekly at 4 AM Sunday
"""


def test_the_specifications_file_loads_unmodified() -> None:
    settings, problems = parse(SPECIFICATION)
    assert problems == []
    assert settings.server.url == "https://patchmon.example.com"
    assert (settings.api.id, settings.api.key) == ("patchmon_abc123", "your-api-key")
    assert settings.compliance.openscap.profile == "xccdf_org.ssgproject.content_profile_cis_level1_server"
    assert settings.compliance.docker_bench.schedule == "0 4 * * 0"


def test_everything_else_has_a_default() -> None:
    assert parse(b"") == (Settings(), [])


def test_all_problems_are_told_at_once_each_with_its_path() -> None:
    text = b"""
server: {url: 'ftp://x', colour: red}
api: [1, 2]
compliance:
  openscap: {time_limit_s: 1, enabled: maybe, profil: cis}
  openscap: {}
spoool: {}
"""
    _, problems = parse(text)
    assert len(problems) == 5
    for start in (
        "openscap: the key comes twice (again in line 6)",
        "server.url: ",
        "server.colour: no such key",
        "api: must be a mapping of keys, is a list",
        "spoool: no such key; did you mean spool?",
    ):
        assert any(problem.startswith(start) for problem in problems), (start, problems)


def test_a_value_out_of_bounds_names_its_key_and_bound() -> None:
    _, problems = parse(b"compliance: {openscap: {time_limit_s: 1}}")
    assert problems == ["compliance.openscap.time_limit_s: Expected int >= 10"]


@pytest.mark.parametrize(
    "text",
    [
        b"server: [",
        b"\xff\xfe",
        b"!!python/object/apply:os.system ['true']",
        b"a: &a [*a]",
        b"- 1",
        b"[" * 5000,
    ],
)
def test_what_is_no_settings_file_is_a_problem_never_a_crash(text: bytes) -> None:
    settings, problems = parse(text)
    assert problems
    assert settings == Settings()


def test_an_unreadable_file_is_a_problem(tmp_path: Path) -> None:
    assert load(tmp_path / "none.yml").problems == (
        f"{tmp_path / 'none.yml'}: can't be read: No such file or directory",
    )


def test_the_example_shows_every_key_with_its_default() -> None:
    text = (ROOT / "config.example.yml").read_text()
    assert parse(text.encode())[1] == []
    shown = dict(_flat(yaml.safe_load(text)))
    assert set(shown) == {key for key, _ in every_key()}
    examples = {
        "server.url",
        "api.id",
        "api.key_file",
        "compliance.openscap.schedule",
        "compliance.docker_bench.schedule",
    }
    differing = {
        k
        for k, default in every_key()
        if shown[k] != (list(default) if isinstance(default, tuple) else default)
    }
    assert differing == examples


def test_every_key_of_the_example_is_explained() -> None:
    lines = (ROOT / "config.example.yml").read_text().splitlines()
    for before, line in pairwise(lines):
        key = line.strip().partition(":")[0]
        if (
            line.strip()
            and not line.strip().startswith(("#", "-"))
            and line.rstrip() != f"{line.split(':')[0]}:"
        ):
            assert before.strip().startswith("#"), f"{key} has no comment"


def _flat(values: dict[str, object], path: str = "") -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in values.items():
        found += _flat(value, f"{path}{key}.") if isinstance(value, dict) else [(f"{path}{key}", value)]
    return found
