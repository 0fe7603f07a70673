"""What is known of the server that the settings name now; the state of another one is not shown."""

from schemas.destination import DESTINATION_STATE, Destination
from schemas.schedule import OVERRIDES_STATE, ServerOverrides, overrides_for
from spool.spool import Spool
from stages.console.context import Context
from stages.patchmon.connection_risk import connection_risk
from stages.trigger.machine import this_machine, why_cloned


def overrides(context: Context, spool: Spool) -> ServerOverrides:
    """What the server has set for this host."""
    kept = spool.state_store("trigger").read(OVERRIDES_STATE, ServerOverrides)
    return overrides_for(kept, context.settings.server.url)


def delivery(context: Context, spool: Spool) -> Destination | None:
    """None where the ship stage has not tried this server yet."""
    found = spool.state_store("ship").read(DESTINATION_STATE, Destination)
    if found is None or found.url != context.settings.server.url:
        return None
    return found


def clone(context: Context, spool: Spool) -> str | None:
    """Why this host may report under another's id, and what to do."""
    return why_cloned(spool.state_store("trigger"), context.settings.api.id, this_machine())


def risk(context: Context) -> str | None:
    """Why others can read or alter what is sent, and what to do."""
    found = connection_risk(context.settings.server)
    if found is None:
        return None
    return f"{found.message}: {found.action}"
