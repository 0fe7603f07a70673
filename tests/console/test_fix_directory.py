"""The directory of fixes: which of them is the last."""

import os
from pathlib import Path

from stages.console.fixing.fix_directory import kept_fixes, new_directory
from stages.console.fixing.host_copy import BEFORE


def fix_of(parent: Path, fix_id: str, copied_at: int) -> None:
    directory = new_directory(parent, fix_id, 9)
    (directory / BEFORE).write_text("{}")
    os.utime(directory / BEFORE, ns=(copied_at, copied_at))


def test_the_last_fix_is_the_one_that_ran_last_whatever_the_ids_are(tmp_path: Path) -> None:
    fix_of(tmp_path, "20261126T100000Z-ffffffff", copied_at=1_000_000_000)
    fix_of(tmp_path, "20261126T100000Z-00000000", copied_at=1_000_000_001)
    # Requested by the server before the others, and carried out after them.
    fix_of(tmp_path, "20261126T090000Z-aaaaaaaa", copied_at=1_000_000_002)
    assert kept_fixes(tmp_path) == [
        "20261126T100000Z-ffffffff",
        "20261126T100000Z-00000000",
        "20261126T090000Z-aaaaaaaa",
    ]


def test_a_fix_that_ended_before_its_copy_can_not_be_undone_and_is_removed_first(
    tmp_path: Path,
) -> None:
    fix_of(tmp_path, "20261126T100000Z-00000000", copied_at=1)
    new_directory(tmp_path, "20261126T110000Z-00000000", 2)
    assert kept_fixes(tmp_path) == ["20261126T100000Z-00000000"]
    fix_of(tmp_path, "20261126T120000Z-00000000", copied_at=2)
    new_directory(tmp_path, "20261126T130000Z-00000000", 3)
    assert not (tmp_path / "20261126T110000Z-00000000").exists()
    assert (tmp_path / "20261126T100000Z-00000000").exists()
