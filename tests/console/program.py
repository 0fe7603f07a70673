"""The program as its users start it: a process of its own."""

import os
import subprocess
import sys
from pathlib import Path


def agent(
    *message: str, config: Path | None = None, code: int = 0
) -> "subprocess.CompletedProcess[str]":
    options = ["--config", str(config)] if config else []
    done = subprocess.run(
        [sys.executable, "-m", "stages.console.main", *message, *options],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={**os.environ, "COMPLIANCE_AGENT_CONFIG": ""},
    )
    assert done.returncode == code, f"{message}: {done.returncode}\n{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    return done
