"""How work on an archive fails."""


class FleetError(Exception):
    """Work on an archive can't be done; the text is one line for the operator."""
