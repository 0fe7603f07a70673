"""The settings of the example scanner: the section `compliance.line_check`."""

from schemas.records import Record
from schemas.settings import ScannerSettings
from schemas.values import AbsolutePath, TimeLimit


class ExampleSettings(ScannerSettings, frozen=True, kw_only=True):
    """The example scanner."""

    script: AbsolutePath = "/nowhere/line-check.sh"
    """The script that is the scanner."""
    time_limit_s: TimeLimit = 30
    """Seconds after which a scan is ended and counts as failed."""


class ExampleDetection(Record, frozen=True, kw_only=True):
    """The field `line_check` of the capabilities."""

    script_path: str
