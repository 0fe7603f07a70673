"""The scanners of this agent. Nothing outside a scanner's folder names one.

A program that has a further scanner registers it in a module of its own, and imports that module
before it calls the agent's `main`.
"""

import importlib

from schemas.codec import SchemaError, convert
from schemas.ids import Scanner
from schemas.settings import ComplianceSettings
from spool.errors import NewerFormatError
from stages.scanners.docker_bench.docker_bench_spec import DOCKER_BENCH
from stages.scanners.openscap.openscap_spec import OPENSCAP
from stages.scanners.spec import ScannerSpec

_REGISTERED: dict[Scanner, ScannerSpec] = {spec.key: spec for spec in (OPENSCAP, DOCKER_BENCH)}


class UnknownScannerError(LookupError):
    """This agent has no such scanner; the text names those that it has."""


def register(spec: ScannerSpec, module: str) -> None:
    """Add a scanner. `module` is the module that calls this when it is imported: every worker
    process imports it, too.

    Raises ValueError where the key or the section is not a possible one, or where the key, the
    section, the settings record or a raw format is another scanner's.
    """
    from stages.runtime import worker  # a command that asks for the scanners needs none

    _check_names(spec)
    own = {spec.key, spec.section, spec.settings}
    for other in scanners():
        if not own.isdisjoint((other.key, other.section, other.settings)):
            raise ValueError(f"{spec.key}: key, section or settings are those of {other.key}")
        if not spec.raw_formats.keys().isdisjoint(other.raw_formats):
            raise ValueError(f"{spec.key}: a raw format is one of {other.key}")
    _REGISTERED[spec.key] = spec
    worker.IMPORTED_FIRST.append(module)


def _check_names(spec: ScannerSpec) -> None:
    try:
        convert(spec.key, Scanner)
    except SchemaError as error:
        # Its scan ids would be no scan ids.
        raise ValueError(f"{spec.key!a}: is not a key of a scanner: {error}") from error
    if not spec.section.isidentifier():
        raise ValueError(f"{spec.key}: section {spec.section!a} is not an identifier")
    if spec.section in ComplianceSettings.__struct_fields__:
        raise ValueError(f"{spec.key}: compliance.{spec.section} is a setting of the agent's own")


def scanners() -> tuple[ScannerSpec, ...]:
    """All scanners, in the order in which they are shown and requested."""
    return tuple(_REGISTERED.values())


def all_keys() -> tuple[Scanner, ...]:
    return tuple(_REGISTERED)


def raw_formats() -> dict[str, ScannerSpec]:
    """The scanner of each raw format, by the format's name."""
    formats: dict[str, ScannerSpec] = {}
    for spec in scanners():
        for name in spec.raw_formats:
            formats[name] = spec
    return formats


def import_readers() -> None:
    """Import what reading needs, so that the first scan does not wait for it."""
    for spec in scanners():
        for module in spec.reader_modules:
            importlib.import_module(module)


def default() -> ScannerSpec:
    """The scanner that a request without one means."""
    return scanners()[0]


def find(key: str) -> ScannerSpec | None:
    return _REGISTERED.get(key)


def get(key: str) -> ScannerSpec:
    """Raises UnknownScannerError."""
    spec = find(key)
    if spec is None:
        raise UnknownScannerError(f"no scanner {key!a}: this agent has {', '.join(all_keys())}")
    return spec


def get_for_entry(key: str) -> ScannerSpec:
    """The scanner that an entry names. Raises NewerFormatError: only a later version, or a program
    with a scanner more, writes an entry of another one.
    """
    try:
        return get(key)
    except UnknownScannerError as error:
        raise NewerFormatError(
            f"{error}, and another version wrote this entry: install that version again"
        ) from error
