"""Every input of the corpora is read or refused, as each target documents; so is what begins them.

`scripts/fuzz` makes the corpora grow, and puts its findings beside them.
"""

from pathlib import Path

import pytest

from tests.fuzz.fuzzer import CORPUS, FINDING, write_seeds
from tests.fuzz.targets import TARGETS

FINDINGS = sorted(CORPUS.glob(f"*/{FINDING}*"))


@pytest.mark.parametrize("target", TARGETS)
def test_the_inputs_that_a_target_begins_with_are_read(target: str, tmp_path: Path) -> None:
    write_seeds(target, tmp_path)
    seeds = sorted(tmp_path.iterdir())
    assert seeds
    for path in seeds:
        TARGETS[target].feed(path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_every_input_of_its_corpus_is_read_or_refused(target: str) -> None:
    for path in sorted((CORPUS / target).glob("[!.]*")):
        TARGETS[target].feed(path.read_bytes())


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: path.name)
def test_what_was_found_once_is_read_or_refused(path: Path) -> None:
    TARGETS[path.parent.name].feed(path.read_bytes())


def test_every_corpus_has_a_target_and_is_small() -> None:
    for directory in CORPUS.iterdir():
        assert directory.name in TARGETS
        assert sum(path.stat().st_size for path in directory.iterdir()) < 128 * 1024
