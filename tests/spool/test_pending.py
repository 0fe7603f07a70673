"""What a scan waits for, for every combination of its entries."""

from collections.abc import Mapping
from itertools import product

import pytest

from schemas.ids import ScanId
from spool.layout import BOXES, STAGES, Box
from spool.pending import carried_out, next_stage, not_taken_up, pending

ID = ScanId("20261123T060301Z-openscap-3f9c2a17")
OTHER = ScanId("20261123T060302Z-openscap-3f9c2a17")


@pytest.mark.parametrize("there", list(product((False, True), repeat=len(BOXES))))
@pytest.mark.parametrize("quarantined", [(), (ID,)])
def test_a_scan_waits_for_the_first_stage_that_has_it_pending(
    there: tuple[bool, ...], quarantined: tuple[ScanId, ...]
) -> None:
    ids: Mapping[Box, list[ScanId]] = {
        box: [ID, OTHER] if is_there else [OTHER]
        for box, is_there in zip(BOXES, there, strict=True)
    }
    waiting = [stage for stage in STAGES if ID in pending(stage, ids, quarantined)]
    if "trigger" in waiting and (ID in ids["raw"] or quarantined):
        # Its scan was done.
        waiting.remove("trigger")
    expected = waiting[0] if waiting else None
    assert next_stage(ID, ids, quarantined_raw=quarantined) == expected


def test_a_submission_waits_for_the_scan_stage_until_it_has_a_raw_entry() -> None:
    ids: dict[Box, list[ScanId]] = {box: [] for box in BOXES}
    assert next_stage(ID, ids, submissions=[ID]) == "scan"
    assert next_stage(ID, ids, submissions=[ID], quarantined_raw=[ID]) is None
    ids["raw"] = [ID]
    assert next_stage(ID, ids, submissions=[ID]) == "parse"


def test_ids_are_those_without_an_answer_and_those_with_one_oldest_first() -> None:
    assert not_taken_up([OTHER, ID], []) == [ID, OTHER]
    assert not_taken_up([OTHER, ID], [ID]) == [OTHER]
    assert carried_out([OTHER, ID], [ID, "another"]) == [ID]
