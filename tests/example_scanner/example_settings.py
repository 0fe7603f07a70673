"""The settings of the example scanner: the section `compliance.line_check`."""

from typing import Annotated

from schemas.records import Meta, Record
from schemas.settings import ScannerSettings
from schemas.values import AbsolutePath, TimeLimit

CheckCount = Annotated[int, Meta(ge=1, le=2)]


class ExampleSettings(ScannerSettings, frozen=True, kw_only=True):
    """The example scanner."""

    script: AbsolutePath = "/nowhere/line-check.sh"
    """The script that is the scanner."""
    checks: CheckCount = 2
    """How many checks the script makes."""
    time_limit_s: TimeLimit = 30
    """Seconds after which a scan is ended and counts as failed."""


class ExampleDetection(Record, frozen=True, kw_only=True):
    """The field `line_check` of the capabilities."""

    script_path: str
