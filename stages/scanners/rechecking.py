"""Evaluating some rules of a scan again: what a scanner and the command exchange."""

from collections.abc import Mapping
from pathlib import Path

from schemas.manifest import Manifest
from schemas.records import Struct, field
from spool.raw import RawBox
from stages.scanners.child import ChildLimits


class KeptScan(Struct, frozen=True):
    """The scan whose rules are evaluated again, and where its files are kept."""

    manifest: Manifest
    raw: RawBox


class RuleRun(Struct, frozen=True):
    """One run of the scanner, for some of the rules."""

    command: tuple[str, ...]
    files: tuple[Path, ...]
    """The files that it writes, to be read together."""
    expected: tuple[int, ...]
    """Exit codes that mean a result."""
    limits: ChildLimits
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)


class RecheckPlan(Struct, frozen=True):
    """The runs that evaluate the rules, and what an administrator should know of them."""

    program: str
    runs: tuple[RuleRun, ...]
    warnings: tuple[str, ...] = ()
