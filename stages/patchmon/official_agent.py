"""The settings of PatchMon's own agent, from which a host can be connected: read, never written.

Source: the agent of PatchMon 2.1, `internal/config`: `config.yml` with `patchmon_server`,
`credentials_file` and `skip_ssl_verify`; `credentials.yml` with `api_id` and `api_key`.

Security: credentials that everyone can read are refused, as the agent's own are.
"""

from pathlib import Path
from typing import Any

from schemas.records import Struct
from stages.patchmon.credentials import Credentials, exposed
from stages.runtime import plain_file
from stages.runtime.settings_file import plain_values

DIRECTORY = Path("/etc/patchmon")
_MAX_BYTES = 64 * 1024


class OfficialAgentError(Exception):
    """The settings of PatchMon's agent can't be used; the text is one line for the operator."""


class OfficialAgent(Struct, frozen=True):
    """What PatchMon's agent knows of its server."""

    url: str | None
    credentials: Credentials
    skips_verification: bool
    """It accepts any certificate."""


def read_official_agent(directory: Path) -> OfficialAgent:
    """Raises OfficialAgentError."""
    config = _mapping(directory / "config.yml")
    path = directory / "credentials.yml"
    named = config.get("credentials_file")
    # A copy of the directory brings its own credentials.
    if not path.exists() and isinstance(named, str):
        path = Path(named)
    problem = exposed(path)
    if problem is not None:
        raise OfficialAgentError(problem)
    credentials = _mapping(path)
    return OfficialAgent(
        url=_text(config, "patchmon_server"),
        credentials=Credentials(
            _required(credentials, "api_id", path), _required(credentials, "api_key", path)
        ),
        skips_verification=config.get("skip_ssl_verify") is True,
    )


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = plain_file.read(path, _MAX_BYTES)
    except OSError as error:
        raise OfficialAgentError(f"{path}: can't be read: {error.strerror}") from error
    values, problems = plain_values(content)
    if problems:
        raise OfficialAgentError(f"{path}: {problems[0]}")
    if not isinstance(values, dict):
        raise OfficialAgentError(f"{path}: has no settings")
    return values


def _text(values: dict[str, Any], key: str) -> str | None:
    value = values.get(key)
    if not isinstance(value, str) or not value.strip():
        return None
    return value.strip()


def _required(values: dict[str, Any], key: str, path: Path) -> str:
    value = _text(values, key)
    if value is None or not value.isascii() or not value.isprintable():
        raise OfficialAgentError(f"{path}: {key}: missing, or not a text")
    return value
