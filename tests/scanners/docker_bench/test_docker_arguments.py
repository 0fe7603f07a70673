"""What the settings let through is never an option, and a mount is the directory that was meant."""

import csv
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import ScanId
from stages.scanners.docker_bench.docker_arguments import container_arguments, script_arguments
from stages.scanners.docker_bench.docker_bench_settings import DockerBenchSettings
from stages.scanners.settings import check_settings

SCAN = ScanId("20261123T060301Z-docker-bench-3f9c2a17")
LISTS = {
    "checks": "-c",
    "exclude_checks": "-e",
    "trusted_users": "-u",
    "include": "-i",
    "exclude": "-x",
}
TEXTS = st.one_of(
    st.text(max_size=20),
    st.text(alphabet="-,= \n\t\x00a_2.$`'\"\\;|&*/:@", max_size=12),
    st.from_regex(r"\A-{1,2}[a-z]{1,8}\Z"),
    st.sampled_from(["check_2_2", "docker_daemon_configuration", "alice", "web/front:1.2", "a\n"]),
)


def settled(**values: object) -> DockerBenchSettings | None:
    settings, problems = check_settings({"compliance": {"docker_bench": values}})
    return None if problems else settings.compliance.section(DockerBenchSettings)


@given(st.sampled_from(sorted(LISTS)), st.lists(TEXTS, min_size=1, max_size=4))
def test_a_list_of_names_stays_one_argument_and_never_an_option(key: str, names: list[str]) -> None:
    settings = settled(**{key: names})
    if settings is None:
        return
    *fixed, option, merged = script_arguments(settings, Path("/draft"))
    assert fixed == ["-b", "-p", "-l", "/draft/bench.log"]
    assert option == LISTS[key]
    assert merged.split(",") == names
    assert not any(name.startswith("-") or set(name) & set(" \n\t\0$`'\"\\;|&*") for name in names)


@given(TEXTS)
def test_an_image_is_one_word_and_never_an_option(image: str) -> None:
    settings = settled(image=image)
    if settings is None:
        return
    message = container_arguments(settings, SCAN, Path("/spool/raw/.x.draft"), (), None)
    assert message[message.index("-b") - 1] == image
    assert not image.startswith("-")
    assert not set(image) & set(" \n\t\0,")


@given(
    st.text(
        alphabet=st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), min_size=1
    )
)
def test_a_mount_is_the_directory_that_was_meant_whatever_its_name(name: str) -> None:
    draft = Path("/", name.replace("/", ","), "raw", ".draft")
    message = container_arguments(DockerBenchSettings(), SCAN, draft, (), None)
    (options,) = csv.reader([message[message.index("--mount") + 1]], strict=True)
    assert options == ["type=bind", f"source={draft}", "target=/compliance-agent"]


def test_known_names_are_accepted() -> None:
    assert settled(
        checks=["host_configuration", "check_1_1_1", "cis_level1"],
        trusted_users=["alice", "svc-docker"],
        include=["web", "registry.example.com:5000/app"],
        image="registry.example.com:5000/bench@sha256:" + "0" * 64,
    )
