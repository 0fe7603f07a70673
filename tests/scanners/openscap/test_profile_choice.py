import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.capabilities import ProfileInfo
from stages.scanners.openscap.profile_choice import Chosen, Unknown, resolve

PREFIX = "xccdf_org.ssgproject.content_profile_"


def profiles(*names: str) -> list[ProfileInfo]:
    return [
        ProfileInfo(id=f"{PREFIX}{n}", title=f"Title of {n}", description="", file_path="/ds.xml")
        for n in names
    ]


SOME = profiles("anssi_bp28_high", "cis_level1_server", "standard")


@pytest.mark.parametrize(
    "wanted", [f"{PREFIX}standard", "standard", "Title of standard", "title OF standard"]
)
def test_a_profile_is_named_by_id_short_name_or_title(wanted: str) -> None:
    chosen = resolve(wanted, SOME)
    assert isinstance(chosen, Chosen)
    assert chosen.profile.id == f"{PREFIX}standard"
    assert chosen.why is None


@given(st.text())
def test_an_unknown_name_is_never_answered_with_another_profile(wanted: str) -> None:
    chosen = resolve(wanted, SOME)
    if isinstance(chosen, Chosen):
        names = {
            chosen.profile.id,
            chosen.profile.id.removeprefix(PREFIX),
            chosen.profile.title.casefold(),
        }
        assert wanted == "auto" or wanted in names or wanted.casefold() in names


def test_the_reason_for_an_unknown_name_has_the_nearest_ones() -> None:
    unknown = resolve("cis_level1_serve", SOME)
    assert isinstance(unknown, Unknown)
    assert (
        "unknown profile: 'cis_level1_serve' is not in the content; nearest: cis_level1_server"
        in unknown.reason
    )


def test_of_a_list_the_names_that_are_like_one_of_it_are_the_nearest() -> None:
    unknown = resolve(["qqq", "standrd"], profiles("a1", "b2", "standard"))
    assert isinstance(unknown, Unknown)
    assert unknown.reason.endswith("; nearest: standard")


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [("STANDARD", "standard"), ("cis", "cis_level1_server"), ("ANSSI", "anssi_bp28_high")],
)
def test_neither_case_nor_a_part_of_a_name_hides_the_nearest(wanted: str, nearest: str) -> None:
    unknown = resolve(wanted, [*profiles("abc", "other", "pci-dss", "hipaa", "ospp"), *SOME])
    assert isinstance(unknown, Unknown)
    assert f"nearest: {nearest}" in unknown.reason


@pytest.mark.parametrize(
    ("present", "taken"),
    [
        (("standard", "cis", "cis_level1_server"), "cis_level1_server"),
        (("cis", "standard", "cis_server_l1"), "cis_server_l1"),
        (("cis_level2_server", "cis_level1_server"), "cis_level1_server"),
        (("standard", "cis"), "cis"),
        (("linux_strict", "linux_standard"), "linux_standard"),
        (("pci-dss", "standard"), "standard"),
        (("pci-dss", "ospp"), "pci-dss"),
    ],
)
def test_auto_takes_the_first_of_its_list_and_says_which_and_why(
    present: tuple[str, ...], taken: str
) -> None:
    chosen = resolve("auto", profiles(*present))
    assert isinstance(chosen, Chosen)
    assert chosen.profile.id == f"{PREFIX}{taken}"
    assert chosen.why is not None
    assert f"took {taken}" in chosen.why


def test_auto_takes_the_profile_of_a_tailoring_without_a_remark() -> None:
    available = profiles("cis_level1_server", "mine_tailored")
    chosen = resolve("auto", available, {"auto": f"{PREFIX}mine_tailored"})
    assert chosen == Chosen(available[1])


def test_auto_knows_a_level_1_server_profile_by_its_title() -> None:
    titled = ProfileInfo(
        id=f"{PREFIX}ubuntu_l1s",
        title="CIS Ubuntu 24.04 Benchmark for Level 1 - Server",
        description="",
        file_path="/ds.xml",
    )
    chosen = resolve("auto", [*profiles("cis"), titled])
    assert isinstance(chosen, Chosen)
    assert chosen.profile is titled


def test_of_a_list_the_first_that_the_content_has_is_taken_and_named() -> None:
    chosen = resolve(["cis_server_l1", "standard", "cis_level1_server"], SOME)
    assert isinstance(chosen, Chosen)
    assert chosen.profile.short_name == "standard"
    assert chosen.why == (
        "profile standard: the first of cis_server_l1, standard, cis_level1_server that the "
        "content has"
    )
    ends_with_auto = resolve(["ospp", "auto"], SOME)
    assert isinstance(ends_with_auto, Chosen)
    assert ends_with_auto.profile.short_name == "cis_level1_server"
    unknown = resolve(["cis_level1_serve", "standart"], SOME)
    assert isinstance(unknown, Unknown)
    assert unknown.reason.startswith("no profile of cis_level1_serve, standart in the content; ")
    assert "cis_level1_server" in unknown.reason
    assert "standard" in unknown.reason


def test_the_name_of_the_ubuntu_security_guide_for_stig_is_known() -> None:
    chosen = resolve("disa_stig", profiles("cis", "stig"))
    assert isinstance(chosen, Chosen)
    assert chosen.profile.short_name == "stig"
    assert isinstance(resolve("disa_stig", profiles("cis")), Unknown)


def test_content_without_profiles_is_a_reason() -> None:
    assert isinstance(resolve("auto", []), Unknown)
