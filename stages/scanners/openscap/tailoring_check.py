"""Whether a tailoring fits the content. Pure.

It does not fit where a profile extends one that the content does not have, or where a value is not
allowed: nothing is scanned with it, since the results would not be those that its author expects. A
rule, group or value that the content does not have is a warning: it changes nothing, and new
content may drop one at any time.

Diagnostics: each with the line of the file and what to do.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from schemas.records import Struct
from stages.scap.allowed_values import ValueItem, why_not_allowed
from stages.scap.benchmark_items import BenchmarkItems
from stages.scap.tailoring import ChangeKind, TailoredProfile, Tailoring, TailoringChange

_MOST = 20
_KIND = re.compile(r"^xccdf_.+?_(?:profile|rule|group|value)_")


class TailoringProblems(Struct, frozen=True):
    """What is wrong with a tailoring, for this content."""

    errors: tuple[str, ...] = ()
    """Nothing is scanned with it."""
    warnings: tuple[str, ...] = ()


def check_tailoring(
    tailoring: Tailoring, benchmarks: Sequence[BenchmarkItems], content: str
) -> TailoringProblems:
    """The problems of a tailoring; `content` names the content in messages."""
    errors: list[str] = []
    warnings: list[str] = []
    ids = [benchmark.id for benchmark in benchmarks]
    if tailoring.benchmark_id not in (None, "", *ids):
        errors.append(
            f"line {tailoring.benchmark_line}: is for other content: for the benchmark "
            f"{tailoring.benchmark_id}, and {content} has {', '.join(ids)}: name that content in "
            "compliance.openscap.content, or tailor this one"
        )
    for profile in tailoring.profiles.values():
        benchmark = benchmark_of(profile, benchmarks)
        if benchmark is None:
            errors.append(_other_content(profile, benchmarks, content))
        # Of other content nearly every name is unknown: messages on these would hide the cause.
        elif not errors:
            errors += _values_not_allowed(profile, benchmark)
            # Only so many as are shown: the search for similar names takes time.
            warnings += islice(_unknown(profile, benchmark, content), _MOST)
    return TailoringProblems(tuple(errors[:_MOST]), tuple(warnings[:_MOST]))


def benchmark_of(
    profile: TailoredProfile, benchmarks: Sequence[BenchmarkItems]
) -> BenchmarkItems | None:
    """The benchmark that the profile is for; None where there is none.

    A profile that extends no other is for the first benchmark that has any item that it selects.
    """
    for benchmark in benchmarks:
        if profile.extends:
            if profile.extends in benchmark.selection.profiles:
                return benchmark
        elif _knows_any(benchmark, profile):
            return benchmark
    return None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The most similar one; None where none is similar.

    Only the parts behind the common beginning of all ids are compared.
    """
    by_short_id = {short_id(each): each for each in known}
    found = difflib.get_close_matches(short_id(name), by_short_id, n=1)
    if not found:
        return None
    return by_short_id[found[0]]


def short_id(identifier: str) -> str:
    """The part of an XCCDF id behind its kind: `umask` of `xccdf_x_rule_umask`."""
    return _KIND.sub("", identifier, count=1)


def _knows_any(benchmark: BenchmarkItems, profile: TailoredProfile) -> bool:
    selectable = benchmark.selectable
    selects = [change for change in profile.changes if change.kind == "select"]
    return not selects or any(change.idref in selectable for change in selects)


def _similar(name: str, known: Iterable[str]) -> str:
    """The end of a message."""
    found = nearest(name, known)
    if found is None:
        return ""
    return f"; similar: {found}"


def _other_content(
    profile: TailoredProfile, benchmarks: Sequence[BenchmarkItems], content: str
) -> str:
    if profile.extends is None:
        return (
            f"line {profile.line}: is for other content: {content} has nothing that its profile "
            f"{profile.profile.short_name} selects: name that content in "
            "compliance.openscap.content, or tailor this one"
        )
    known = [name for benchmark in benchmarks for name in benchmark.selection.profiles]
    return (
        f"line {profile.line}: is for other content: its profile {profile.profile.short_name} "
        f"extends {profile.extends}, which {content} does not have"
        f"{_similar(profile.extends, known)}: name that content in compliance.openscap.content, or "
        "tailor this one"
    )


def _values_not_allowed(profile: TailoredProfile, benchmark: BenchmarkItems) -> Iterator[str]:
    refined = _changed_values(profile, benchmark, "refine-value")
    selectors = {change.idref: change.text for change, _ in refined}
    for change, value in _changed_values(profile, benchmark, "set-value"):
        reason = why_not_allowed(value, change.text, selectors.get(change.idref, ""))
        if reason:
            yield f"line {change.line}: {change.idref} is set to {change.text!r}, which {reason}"


def _changed_values(
    profile: TailoredProfile, benchmark: BenchmarkItems, kind: ChangeKind
) -> Iterator[tuple[TailoringChange, ValueItem]]:
    """The changes of this kind to values that the benchmark has."""
    for change in profile.changes:
        if change.kind == kind and change.idref in benchmark.values:
            yield change, benchmark.values[change.idref]


def _unknown(profile: TailoredProfile, benchmark: BenchmarkItems, content: str) -> Iterator[str]:
    """Messages on what the benchmark does not have: items, then selectors of values."""
    selectable = benchmark.selectable
    values = {**dict.fromkeys(benchmark.clusters), **benchmark.values}
    for change in profile.changes:
        known: Collection[str] = values
        if change.kind in ("select", "refine-rule"):
            known = selectable
        if change.idref not in known:
            yield _no_such(change, content, known)
    yield from _unknown_selectors(profile, benchmark, content)


def _unknown_selectors(
    profile: TailoredProfile, benchmark: BenchmarkItems, content: str
) -> Iterator[str]:
    for change, value in _changed_values(profile, benchmark, "refine-value"):
        if change.text in ("", *value.texts):
            continue
        known = ", ".join(filter(None, value.texts)) or "none"
        yield (
            f"line {change.line}: {change.idref} has no selector {change.text!r} in {content}: "
            f"it has {known}"
        )


def _no_such(change: TailoringChange, content: str, known: Collection[str]) -> str:
    return (
        f"line {change.line}: {content} has no {change.idref or 'item without an id'}: remove the "
        f"line{_similar(change.idref, known)}"
    )
