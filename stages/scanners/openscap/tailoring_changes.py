"""A new tailoring file for the content of this host, from the changes that an operator names.

Rules, groups and values are named by id or short id, the profile also by its title. All mistakes
are reported at once, each with the most similar name or what is allowed.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from schemas.codec import replace
from schemas.settings import Settings
from spool.packing import PackingError
from stages.scanners.detection import kept_caches
from stages.scanners.host import this_platform
from stages.scanners.new_tailoring import NewTailoring, TailoringChanges, TailoringRefused
from stages.scanners.openscap import profile_choice
from stages.scanners.openscap.content import LINUX
from stages.scanners.openscap.kept_tailoring import TailoringError
from stages.scanners.openscap.openscap_detection import detect
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.tailored_profiles import read_tailoring_file
from stages.scanners.openscap.tailoring_check import nearest, short_id
from stages.scanners.openscap.tailoring_text import tailoring_text
from stages.scap.allowed_values import why_not_allowed
from stages.scap.benchmark_items import BenchmarkItems, read_benchmarks
from stages.scap.tailoring import parse_tailoring, tailored_title
from stages.scap.xml_errors import ScapError

_SECTION = "compliance.openscap"


def tailor(
    settings: Settings, changes: TailoringChanges, at: datetime
) -> tuple[NewTailoring, str] | TailoringRefused:
    """The tailoring and the text of its file."""
    section = settings.compliance.section(OpenSCAPSettings)
    # What is tailored is a profile of the content itself.
    alone = replace(section, tailoring=None, scans=())
    cache = kept_caches(settings).get("openscap", {})
    found = detect(alone, this_platform(), cache, Path(settings.spool.path)).scanner
    wanted = changes.profile or section.for_scan(section.planned_scans[0]).profile
    chosen = profile_choice.resolve(wanted, found.profiles)
    if found.content is None:
        return TailoringRefused(found.problems or ("there is no content to tailor",))
    if isinstance(chosen, profile_choice.Unknown):
        return TailoringRefused((f"--profile: {chosen.reason}",))
    file = Path(found.content.file)
    try:
        benchmarks = read_benchmarks(file)
    except (ScapError, PackingError, OSError) as error:
        return TailoringRefused((f"{file}: the content can't be read: {error}",))
    benchmark = _benchmark_with(chosen.profile.id, benchmarks)
    if benchmark is None:
        reason = f"{chosen.profile.id} is of another file than {file}: name that file in "
        return TailoringRefused((f"--profile: {reason}{_SECTION}.content",))
    made = _Names(benchmark).new_tailoring(changes, chosen.profile.id, str(file))
    if isinstance(made, TailoringRefused):
        return made
    text = tailoring_text(made, benchmark.id, at)
    remarks = (
        *_without_effect(made, benchmark, text),
        *_needed(section, file),
        *_of_one_title(section, made.title, changes.output),
    )
    return replace(made, remarks=remarks), text


def _benchmark_with(profile: str, benchmarks: Iterable[BenchmarkItems]) -> BenchmarkItems | None:
    for benchmark in benchmarks:
        if profile in benchmark.selection.profiles:
            return benchmark
    return None


class _Names:
    """Finds what an operator names in a benchmark, and collects the mistakes."""

    def __init__(self, benchmark: BenchmarkItems) -> None:
        self._benchmark = benchmark
        self._selectable = _by_name(benchmark.selectable)
        self._values = _by_name(benchmark.values)
        self._problems: list[str] = []

    def new_tailoring(
        self, changes: TailoringChanges, profile: str, content: str
    ) -> NewTailoring | TailoringRefused:
        unselected = self._rules("--unselect", changes.unselect)
        selected = self._rules("--select", changes.select)
        values = self._set_values(changes.values)
        for rule in unselected:
            if rule in selected:
                self._problems.append(f"--select and --unselect: both name {rule}")
        if not [*changes.unselect, *changes.select, *changes.values]:
            self._problems.append("nothing to change: name --unselect, --select or --set-value")
        if self._problems:
            return TailoringRefused(tuple(self._problems))
        title = changes.title or self._benchmark.profile_titles.get(profile) or short_id(profile)
        return NewTailoring(
            profile=f"{profile}_tailored",
            title=tailored_title(title),
            extends=profile,
            content=content,
            unselected=unselected,
            selected=selected,
            values=values,
        )

    def _rules(self, option: str, names: Iterable[str]) -> tuple[str, ...]:
        found = [self._find(option, "rule or group", name, self._selectable) for name in names]
        return tuple(dict.fromkeys(filter(None, found)))

    def _set_values(self, values: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        found: dict[str, str] = {}
        for name, text in values:
            identifier = self._find("--set-value", "value", name, self._values)
            if identifier is None:
                continue
            reason = why_not_allowed(self._benchmark.values[identifier], text)
            if reason:
                self._problems.append(f"--set-value {name}: {text!r} {reason}")
            elif identifier in found:
                self._problems.append(f"--set-value {name}: is given twice")
            found[identifier] = text
        return tuple(found.items())

    def _find(self, option: str, kind: str, name: str, known: Mapping[str, str]) -> str | None:
        if name in known:
            return known[name]
        similar = nearest(name, known.values())
        suggestion = ""
        if similar is not None:
            suggestion = f"; similar: {short_id(similar)}"
        self._problems.append(f"{option} {name}: the content has no such {kind}{suggestion}")
        return None


def _by_name(identifiers: Collection[str]) -> dict[str, str]:
    """The ids by their short ids and by themselves. Of ids with the same short id the last counts,
    which is a rule's."""
    by_short_id = {short_id(identifier): identifier for identifier in identifiers}
    by_id = {identifier: identifier for identifier in identifiers}
    return {**by_short_id, **by_id}


def _without_effect(made: NewTailoring, benchmark: BenchmarkItems, text: str) -> tuple[str, ...]:
    """Remarks on changes without effect: they repeat the profile, or a group is not selected."""
    tailoring = parse_tailoring(text.encode(), "")
    selection = benchmark.selection.tailored(tailoring.selection)
    before = set(selection.selected(made.extends))
    after = set(selection.selected(made.profile))
    remarks = []
    for rule in made.unselected:
        if rule in benchmark.rule_titles and rule not in before:
            remarks.append(f"{rule}: is not selected by the profile anyway")
    for rule in made.selected:
        if rule in before:
            remarks.append(f"{rule}: is selected by the profile already")
        elif rule in benchmark.rule_titles and rule not in after:
            remarks.append(f"{rule}: stays unselected, as a group around it is: select that too")
    return tuple(remarks)


def _needed(section: OpenSCAPSettings, file: Path) -> tuple[str, ...]:
    """A remark on the setting that a tailoring of the built-in baseline needs."""
    if file == LINUX and section.content is None:
        return (
            f"also set {_SECTION}.content: {LINUX}, because this content is the built-in baseline",
        )
    return ()


def _of_one_title(section: OpenSCAPSettings, title: str, output: str) -> Iterator[str]:
    """Other tailorings of the settings with this title: only one of them could be scanned with."""
    files = {planned.tailoring for planned in section.planned_scans} - {None, output}
    for file in sorted(filter(None, files)):
        try:
            tailoring = parse_tailoring(read_tailoring_file(Path(file)), file)
        except (ScapError, TailoringError, PackingError):
            # `config check` reports what is wrong with it.
            continue
        if title in map(tailored_title, tailoring.titles.values()):
            yield (
                f"{file} of the settings has the same title: to scan with both, give this one "
                "another by --title"
            )
