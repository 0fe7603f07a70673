"""What the server has set for this host: `GET /api/v1/hosts/integrations`. Pure."""

from schemas.codec import SchemaError, decode_any
from schemas.schedule import Mode, ServerOverrides
from stages.patchmon.reply import Reply
from stages.patchmon.server_messages import KnownScanners

_MODES: dict[object, Mode | None] = {
    None: None,
    "disabled": "disabled",
    "on-demand": "on-demand",
    "enabled": "enabled",
}


class IntegrationsError(ValueError):
    """The reply is not what the server sends; the text is the reason."""


def read_integrations(reply: Reply, scanners: KnownScanners) -> ServerOverrides:
    """Mode and switches; what the reply does not name is left open. Raises IntegrationsError."""
    if reply.overlong:
        raise IntegrationsError("the reply is too long")
    try:
        answer = decode_any(reply.body)
    except SchemaError as error:
        raise IntegrationsError(f"the reply is not JSON: {error}") from error
    if not isinstance(answer, dict):
        raise IntegrationsError("the reply is not a JSON object")
    mode = answer.get("compliance_mode")
    if mode not in _MODES.values():
        raise IntegrationsError("compliance_mode is not disabled, on-demand or enabled")
    switches: dict[str, bool] = {}
    for scanner in scanners:
        switch = answer.get(f"compliance_{scanner.section}_enabled")
        if isinstance(switch, bool):
            switches[scanner.key] = switch
    return ServerOverrides(mode=_MODES.get(mode), scanners=switches)
