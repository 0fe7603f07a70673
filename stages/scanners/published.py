"""The JSON Schemas of the records that have a part for each scanner: settings and capabilities.

`python -m stages.scanners.published` writes them to `schemas/json/`.
"""

from schemas import published
from schemas.capabilities import ComplianceCapabilities
from schemas.records import Record, extended
from stages.scanners import registry
from stages.scanners.settings import settings_record


def capabilities_record() -> type[ComplianceCapabilities]:
    """The specification's `ComplianceCapabilities`: what `detect --json` prints."""
    fields = {spec.section: (spec.capability | None, None) for spec in registry.scanners()}
    return extended(ComplianceCapabilities, fields)


def texts() -> dict[str, str]:
    """File name to content."""
    records: dict[str, type[Record]] = {
        "capabilities": capabilities_record(),
        "settings": settings_record(),
    }
    return published.texts(records)


if __name__ == "__main__":
    published.write(texts())
