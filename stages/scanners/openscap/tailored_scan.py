"""What the tailoring of a scan changed in its profile. Pure.

Diagnostics: none; what the files do not show is left out.
"""

from schemas.report import AppliedTailoring
from stages.scanners.openscap.scan_files import SelectedScan
from stages.scanners.openscap.scan_warnings import selection_of, without
from stages.scanners.secrets import masked_forms
from stages.scap.rule_counts import Selection


def applied_tailoring(scan: SelectedScan) -> AppliedTailoring | None:
    """The changes by the tailoring; None where the profile is one of the content."""
    if not scan.is_tailored:
        return None
    path = scan.test_result.tailoring_path
    found = selection_of(scan.test_result, scan.benchmark, scan.tailoring)
    if found is None:
        return AppliedTailoring(path=path)
    selection, profile = found
    unselected, selected = _differences(selection, profile)
    return AppliedTailoring(
        path=path, unselected=unselected, selected=selected, values=_values(scan, profile)
    )


def _differences(selection: Selection, profile: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rules that only the extended profile selects, and those that only this one does."""
    base = selection.base_of(profile)
    if base is None:
        return (), ()
    before = dict.fromkeys(selection.selected(base))
    after = dict.fromkeys(selection.selected(profile))
    return tuple(without(before, after)), tuple(without(after, before))


def _values(scan: SelectedScan, profile: str) -> dict[str, str]:
    """The values that the tailoring sets; for a selector the value that it selected."""
    tailored = scan.tailoring.profiles.get(profile)
    if tailored is None:
        return {}
    values: dict[str, str] = {}
    for change in tailored.changes:
        if change.kind in ("set-value", "refine-value"):
            text = scan.test_result.values.get(change.idref, change.text)
            values[change.idref] = masked_forms(text)
    return values
