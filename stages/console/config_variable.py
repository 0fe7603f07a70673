"""The name of the program, and the settings file that the environment names.

Imported at every start, so it imports next to nothing.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = "compliance-agent"
CONFIG_VARIABLE = "COMPLIANCE_AGENT_CONFIG"


def config_of_environment() -> "Path | None":
    """None where the environment names none."""
    from pathlib import Path

    value = os.environ.get(CONFIG_VARIABLE)
    if not value:
        return None
    return Path(value)
