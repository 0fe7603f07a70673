"""Evaluating some rules of a scan again: what a scanner and the command exchange."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schemas.manifest import Manifest
from spool.raw import RawBox
from stages.scanners.child import Limits


@dataclass(frozen=True)
class KeptScan:
    """The scan whose rules are evaluated again, and where its files are kept."""

    manifest: Manifest
    raw: RawBox


@dataclass(frozen=True)
class RuleRun:
    """One run of the scanner, for some of the rules."""

    command: tuple[str, ...]
    files: tuple[Path, ...]
    """The files that it writes, to be read together."""
    expected: tuple[int, ...]
    """Exit codes that mean a result."""
    limits: Limits
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RecheckPlan:
    """The runs that evaluate the rules, and what an administrator should know of them."""

    program: str
    runs: tuple[RuleRun, ...]
    warnings: tuple[str, ...] = ()
