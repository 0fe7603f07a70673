import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Annotated, get_args, get_origin

import msgspec
import pytest
import yaml

from schemas.expected import item_kind
from schemas.records import Record
from schemas.settings_check import KeyProblem
from stages.runtime import settings_file
from stages.scanners.docker_bench.docker_bench_settings import DockerBenchSettings
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.settings import every_key, settings_record
from stages.scanners.settings import load_settings as load
from stages.scanners.settings import parse_settings as parse
from stages.trigger.plans import problems as problems_of_schedules

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
    assert (
        settings.compliance.section(OpenSCAPSettings).profile
        == "xccdf_org.ssgproject.content_profile_cis_level1_server"
    )
    assert settings.compliance.section(DockerBenchSettings).schedule == "0 4 * * 0"


def test_everything_else_has_a_default() -> None:
    assert parse(b"") == (settings_record()(), [])


def test_all_problems_are_reported_at_once_each_with_its_path() -> None:
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
        "compliance.openscap: duplicate key (line 6)",
        "server.url: ",
        "server.colour: no such key",
        "api: must be a mapping of keys, is a list",
        "spoool: no such key; did you mean spool?",
    ):
        assert any(str(problem).startswith(start) for problem in problems), (start, problems)


def test_a_misspelt_section_beside_the_right_one_hides_no_problem() -> None:
    _, problems = parse(b"servr: {url: x, verifi: true}\nserver: {verify: true}\n")
    assert [problem.key for problem in problems] == [
        "servr",
        "servr.url",
        "servr.verifi",
    ]


def test_a_value_out_of_bounds_names_its_key_and_bound() -> None:
    _, problems = parse(b"compliance: {openscap: {time_limit_s: 1}}")
    assert list(map(str, problems)) == [
        "compliance.openscap.time_limit_s: must be a whole number from 10 to 86400; it is 1"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "compliance: {docker_bench: {enabled: maybe}}",
            "compliance.docker_bench.enabled: must be true or false, or auto; it is maybe",
        ),
        (
            "compliance: {docker_bench: {enabled: 3}}",
            "compliance.docker_bench.enabled: must be true or false, or auto; it is 3",
        ),
        ("compliance: {openscap: {profile: []}}", "compliance.openscap.profile: must be a text"),
        (
            "compliance: {openscap: {profile: [standard, 7]}}",
            "compliance.openscap.profile[1]: must be a text of 1 to 256 characters; it is a number",
        ),
        (
            "delivery: {backlog: newest}",
            "delivery.backlog: must be one of all, latest; it is newest",
        ),
        (
            "log: {level: off}",
            "log.level: must be one of debug, info, warning, error; it is a boolean: put it",
        ),
        (
            "api: {id: 5}",
            "api.id: must be a text of 1 to 4096 characters; it is a number: put it in quotes",
        ),
        (
            "spool: {keep_days: }",
            "spool.keep_days: must be a whole number from 0 to 36500; it is empty: leave",
        ),
        (
            "spool: {check_every_s: .nan}",
            "spool.check_every_s: must be a number from 0.05 to 60; it is nan",
        ),
        ("spool: {path: x}", "spool.path: must be an absolute path, which begins with /"),
        ('spool: {path: "/a\\0b"}', "spool.path: contains characters that can't be printed"),
        ('api: {id: "\\ud800"}', "api.id: contains characters that can't be printed"),
        ('"\\ud800": 1', "'\\ud800': no such key"),
        ("compliance: {enabled: 1}", "compliance.enabled: must be true or false; it is 1"),
        (
            "compliance: {openscap: {content_dirs: [/a, b]}}",
            "compliance.openscap.content_dirs[1]: must be an absolute path",
        ),
        (
            "compliance: {docker_bench: {checks: x}}",
            "compliance.docker_bench.checks: must be a list; it is a text",
        ),
        (
            f"compliance: {{openscap: {{profile: {'x' * 257}}}}}",
            "compliance.openscap.profile: must be a text of 1",
        ),
        ("a: &a\n  - {b: 1, b: 2}\nc: *a", "a[0].b: duplicate key (line 2)"),
    ],
)
def test_what_a_value_must_be_is_described_in_plain_english(text: str, message: str) -> None:
    problems = list(map(str, parse(text.encode())[1]))
    assert any(problem.startswith(message) for problem in problems), problems
    assert not any(character in problem for problem in problems for character in "^$`")


def test_every_pattern_has_a_plain_description() -> None:
    for path, kind in every_kind(settings_record()):
        while (item := item_kind(kind)) is not None:
            kind = item
        bare = next((one for one in get_args(kind) if get_origin(one) is Annotated), kind)
        if get_origin(bare) is Annotated and get_args(bare)[1].pattern:
            assert get_args(bare)[1].description, path


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://patchmon.example.com", True),
        ("http://127.0.0.1:8080/base/", True),
        ("https://[::1]:8443", True),
        ("https://user@patchmon.example.com", False),
        ("https://user:s3cret@patchmon.example.com", False),
        ("https://patchmon.example.com/?a=s3cret", False),
        ("https://patchmon.example.com\\n", False),
        ("https://:80", False),
        ("ftp://x", False),
    ],
)
def test_an_address_with_a_password_is_refused_and_not_shown(url: str, good: bool) -> None:
    problems = parse(f'server: {{url: "{url}"}}'.encode())[1]
    assert (problems == []) == good
    assert "s3cret" not in str(problems)


def test_the_problem_of_broken_yaml_has_the_place_and_not_the_text_around_it() -> None:
    (problem,) = parse(b"api: {id: x, key: s3cret\nlog: [")[1]
    assert "line 2" in problem.message
    assert "s3cret" not in str(problem)


@pytest.mark.parametrize(("kind", "message"), [("fifo", "a pipe"), ("directory", "a directory")])
def test_anything_but_a_plain_file_is_refused_without_waiting_for_it(
    tmp_path: Path, kind: str, message: str
) -> None:
    path = tmp_path / kind
    path.mkdir() if kind == "directory" else os.mkfifo(path)
    (problem,) = load(path).problems
    assert message in problem.message.lower()


def test_the_null_device_is_an_empty_file() -> None:
    assert load(Path(os.devnull)).settings == settings_record()()


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
def test_a_file_that_is_not_settings_is_a_problem_and_never_a_crash(text: bytes) -> None:
    settings, problems = parse(text)
    assert problems
    assert settings == settings_record()()


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 50)}]\n" for n in range(1, 7)
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"spool: {{keep_days: {'9' * 5000}}}", "line 1: a number of 5000 characters"),
        (f"log:\n  level: 0x{'f' * 6000}", "line 2: a number of 6002 characters"),
        (f"log: {{level: 0b{'1' * 60000}}}", "line 1: a number of 60002 characters"),
        (f"log: {{level: {':'.join(['59'] * 3000)}}}", "line 1: a number of 8999 characters"),
        (f"log: {{level: {':'.join(['59'] * 300)}.5}}", "line 1: a number of 901 characters"),
        ("".join(f"k{n}: 1\n" for n in range(10000)), "line 1: a mapping of 10000 keys"),
        ("spool: &a\n  <<: *a\n", "line 1: an anchor that contains itself"),
        ("spool: &a [*a]\n", "line 1: an anchor that contains itself"),
        (BOMB, "more than 100000 values, with those that anchors repeat"),
        (MERGES, "more than 100000 values, with those that anchors repeat"),
    ],
)
def test_a_file_that_would_cost_too_much_is_one_problem(text: str, problem: str) -> None:
    _, problems = settings_file.plain_values(text.encode())
    (found,) = problems
    assert problem in found.message


def test_an_unreadable_file_is_a_problem(tmp_path: Path) -> None:
    (problem,) = load(tmp_path / "none.yml").problems
    assert str(problem) == "can't be read: No such file or directory"


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


def every_kind(record: type[Record], path: str = "") -> Iterator[tuple[str, object]]:
    for field in msgspec.structs.fields(record):
        if isinstance(field.type, type) and issubclass(field.type, Record):
            yield from every_kind(field.type, f"{path}{field.name}.")
        else:
            yield f"{path}{field.name}", field.type


def _flat(values: dict[str, object], path: str = "") -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in values.items():
        found += (
            _flat(value, f"{path}{key}.") if isinstance(value, dict) else [(f"{path}{key}", value)]
        )
    return found


TWO_SCANS = """
compliance:
  openscap:
    scans:
      - profile: cis_level1_server
        schedule: "0 3 * * 0"
      - profile: [stig, disa_stig]
        schedule: "0 5 1 * *"
        tailoring: /etc/compliance-agent/stig.xml
        content: /opt/ssg-ubuntu2404-ds.xml
"""


def test_several_scans_each_have_their_own_profile_schedule_tailoring_and_content() -> None:
    settings, problems = parse(TWO_SCANS.encode())
    assert problems == []
    first, second = settings.compliance.section(OpenSCAPSettings).planned_scans
    assert (first.profile, first.schedule) == ("cis_level1_server", "0 3 * * 0")
    assert (second.profile, second.schedule) == (("stig", "disa_stig"), "0 5 1 * *")
    assert first.target == ("cis_level1_server", None, None)
    assert second.tailoring == "/etc/compliance-agent/stig.xml"
    assert second.content == "/opt/ssg-ubuntu2404-ds.xml"


def test_scans_without_a_tailoring_of_their_own_have_that_of_the_section() -> None:
    text = TWO_SCANS.replace("scans:", "tailoring: /etc/all.xml\n    scans:")
    section = parse(text.encode())[0].compliance.section(OpenSCAPSettings)
    assert [scan.tailoring for scan in section.planned_scans] == [
        "/etc/all.xml",
        "/etc/compliance-agent/stig.xml",
    ]


def test_a_section_with_one_profile_is_for_one_scan() -> None:
    (scan,) = parse(SPECIFICATION)[0].compliance.section(OpenSCAPSettings).planned_scans
    assert scan.schedule == "0 3 * * 0"
    assert scan.profile == "xccdf_org.ssgproject.content_profile_cis_level1_server"
    assert scan.key == ""


SCHEDULED = 'schedule: "0 3 * * 0"'


@pytest.mark.parametrize(
    ("openscap", "messages"),
    [
        (
            "scans: [cis, 5]",
            [
                "scans[0]: must be a mapping of keys, is a text",
                "scans[1]: must be a mapping of keys, is a number",
            ],
        ),
        (
            f"scans: [{{profile: cis}}, {{{SCHEDULED}}}]",
            [
                (
                    "scans[0].schedule: is missing, it must be a cron expression of five fields, "
                    "or null for a scan on request alone"
                ),
                "scans[1].profile: is missing, it must be a text of 1 to 256 characters, or a list",
            ],
        ),
        (
            f"scans: [{{profil: cis, {SCHEDULED}, tailoring: here.xml, contents: x}}]",
            [
                "scans[0].profil: no such key; did you mean profile?",
                "scans[0].tailoring: must be an absolute path, which begins with /",
                "scans[0].contents: no such key; did you mean content?",
            ],
        ),
        (
            f"{SCHEDULED}, profile: cis, scans: [{{profile: cis, {SCHEDULED}}}]",
            [
                "profile: can't be set beside scans: move it into an entry of scans",
                "schedule: can't be set beside scans: move it into an entry of scans",
            ],
        ),
        (
            (
                f"scans: [{{profile: cis, {SCHEDULED}}}, {{profile: stig, {SCHEDULED}}},"
                f" {{profile: cis, {SCHEDULED}}}]"
            ),
            [
                "scans[2]: the same profile, tailoring and content as scans[0]: remove one of them",
            ],
        ),
        (
            (
                f"tailoring: /t, scans: [{{profile: cis, {SCHEDULED}}},"
                f" {{profile: cis, tailoring: /t, {SCHEDULED}}}]"
            ),
            ["scans[1]: the same profile, tailoring and content as scans[0]: remove one of them"],
        ),
        (
            f"scans: [{', '.join(f'{{profile: p{n}, {SCHEDULED}}}' for n in range(17))}]",
            ["scans: must be a list of at most 16 scans; it has 17"],
        ),
        (
            f"scans: {{profile: cis, {SCHEDULED}}}",
            ["scans: must be a list of at most 16 scans; it is a mapping of keys"],
        ),
    ],
)
def test_each_problem_of_a_list_of_scans_is_reported(openscap: str, messages: list[str]) -> None:
    problems = parse(f"compliance: {{openscap: {{{openscap}}}}}".encode())[1]
    assert list(map(str, problems)) == [f"compliance.openscap.{message}" for message in messages]


SEVERAL_MISTAKES = b"""
compliance:
  openscap:
    schedule: "0 1 * * *"
    scans:
      - {profile: cis, schedule: "0 3 * *"}
      - profil: stig
        schedule: daily
      - {profile: cis, schedule: null}
      - pci
"""


def test_all_problems_of_a_list_are_reported_at_once_each_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_bytes(SEVERAL_MISTAKES)
    problems = load(path, problems_of_schedules).problems
    assert [(problem.key, problem.line) for problem in problems] == [
        ("compliance.openscap.scans[1].profil", 7),
        ("compliance.openscap.scans[3]", 10),
        ("compliance.openscap.schedule", 4),
        ("compliance.openscap.scans[2]", 9),
        ("compliance.openscap.scans[0].schedule", 6),
        ("compliance.openscap.scans[1].schedule", 8),
    ]


def test_a_path_with_the_word_line_has_its_line_too(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text("server:\n  url: nonsense\n  ca_file: the line x.pem\n")
    problems = settings_file.with_lines(
        [KeyProblem("server.ca_file", "/etc/the line x.pem: gone")], path
    )
    assert [str(problem) for problem in problems] == [
        "server.ca_file: /etc/the line x.pem: gone (line 3)"
    ]
    assert settings_file.with_lines(problems, path) == problems


def test_the_line_of_what_is_missing_is_that_of_its_entry(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text("compliance:\n  openscap:\n    scans:\n    - profile: cis\n")
    (problem,) = load(path).problems
    assert str(problem).startswith("compliance.openscap.scans[0].schedule: is missing")
    assert str(problem).endswith(" (line 4)")


def test_a_file_that_takes_too_long_to_understand_is_not_read(tmp_path: Path) -> None:
    """A stage that runs does nothing else meanwhile."""
    path = tmp_path / "config.yml"
    path.write_text("a: [" + "x," * 150_000 + "]")
    (problem,) = load(path).problems
    assert str(problem) == "can't be read: it is larger than 262144 bytes"
