"""A request for a scan in a file, for `compliance-agent scan --request FILE`; YAML or JSON.

    scanner: openscap          # or another of this agent's scanners; the first one by default
    profile: cis_level1_server # default: the configured one
    request_id: ticket-4711    # optional

Security: the file is read by the command that was given its name, with the rights of the user who
called it. No stage looks for such files, so there is no directory that one user fills and another
empties.

Diagnostics: CommandError with the file, the reason and, for an unknown key, the one that was meant.
"""

from pathlib import Path

from schemas import codec
from schemas.ids import Scanner
from schemas.records import Record
from schemas.request import Text256
from schemas.settings_check import unknown_keys
from stages.console.output import unicode_text
from stages.runtime import plain_file, settings_file
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.scanners import registry

_MAX_BYTES = 64 * 1024


class RequestFile(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of a request file."""

    scanner: Scanner | None = None
    profile: Text256 | None = None
    request_id: Text256 | None = None


def read(path: Path) -> RequestFile:
    """The request of a file. Raises CommandError."""
    try:
        return _decode(plain_file.read(path, _MAX_BYTES))
    except OSError as error:
        reason = f"can't be read: {error.strerror}"
    except codec.SchemaError as error:
        reason = str(error)
    raise CommandError(f"{unicode_text(path)}: {reason}; nothing was requested", Exit.USAGE)


def _decode(content: bytes) -> RequestFile:
    """Raises SchemaError."""
    values, problems = settings_file.plain_values(content)
    if problems:
        raise codec.SchemaError("; ".join(map(str, problems)))
    if values is None:
        raise codec.SchemaError(
            f"the file is empty: it needs at least `scanner: {registry.default().key}`"
        )
    unknown = unknown_keys(values, RequestFile)
    if unknown:
        raise codec.SchemaError("; ".join(map(str, unknown)))
    file = codec.convert(values, RequestFile)
    if file.scanner is not None and registry.find(file.scanner) is None:
        raise codec.SchemaError(f"scanner: must be one of {', '.join(registry.all_keys())}")
    for key, value in (("profile", file.profile), ("request_id", file.request_id)):
        if value is not None and (not value or not value.isprintable()):
            raise codec.SchemaError(f"{key}: must be a text of printable characters")
    return file
