"""The error of the fleet commands."""


class FleetError(Exception):
    """Work on an archive can't be done; the text is one line for the operator."""
