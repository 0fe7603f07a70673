"""The agent's own version, as it was installed."""

from functools import cache
from importlib import metadata


@cache
def agent_version() -> str:
    try:
        return metadata.version("compliance-agent")
    except metadata.PackageNotFoundError:
        return "0"
