"""The variables that each version of oscap is given."""

import pytest

from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.oscap_environment import environment

RATIO, ITEMS, PATHS = (
    "OSCAP_PROBE_MEMORY_USAGE_RATIO",
    "OSCAP_PROBE_MAX_COLLECTED_ITEMS",
    "OSCAP_PROBE_IGNORE_PATHS",
)
ALL_SET = OpenSCAPSettings(memory_ratio=0.1, max_collected_items=5000)
LEFT_OUT = ("/srv/backup", "/var/lib/docker")


@pytest.mark.parametrize(
    ("version", "names", "ignored"),
    [
        (None, (), ("ignore_paths", "max_collected_items")),
        ("1.2.17", (), ("ignore_paths", "max_collected_items")),
        ("1.3.7+dfsg", (RATIO,), ("ignore_paths", "max_collected_items")),
        ("1.3.9", (RATIO,), ("ignore_paths", "max_collected_items")),
        ("1.3.10", (RATIO, ITEMS, PATHS), ()),
        ("1.4.2", (RATIO, ITEMS, PATHS), ()),
        ("2.0", (RATIO, ITEMS, PATHS), ()),
    ],
)
def test_a_version_gets_the_variables_that_it_knows(
    version: str | None, names: tuple[str, ...], ignored: tuple[str, ...]
) -> None:
    made = environment(ALL_SET, version, LEFT_OUT)
    assert tuple(made.variables) == names
    assert made.not_searched == (LEFT_OUT if PATHS in names else ())
    text = "\n".join(made.warnings)
    for key in ("ignore_paths", "max_collected_items"):
        assert (f"compliance.openscap.{key} has no effect" in text) is (key in ignored)


def test_the_values_of_variables() -> None:
    made = environment(ALL_SET, "1.4.2", LEFT_OUT)
    assert made.variables == {
        RATIO: "0.1",
        ITEMS: "5000",
        PATHS: "/srv/backup:/var/lib/docker",
    }
    assert made.not_searched == LEFT_OUT
    assert made.warnings == ()


def test_a_version_that_searches_everything_names_what_it_searches() -> None:
    (warning,) = environment(OpenSCAPSettings(), "1.3.7", LEFT_OUT).warnings
    assert warning == (
        "compliance.openscap.ignore_paths has no effect: oscap 1.3.7 does not know it, 1.3.10 and "
        "later do: /srv/backup, /var/lib/docker are searched"
    )


def test_the_defaults_leave_a_small_host_memory_and_warn_of_nothing() -> None:
    made = environment(OpenSCAPSettings(), "1.3.7")
    assert (dict(made.variables), made.warnings) == ({RATIO: "0.25"}, ())
