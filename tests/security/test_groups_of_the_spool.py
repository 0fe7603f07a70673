"""A stage checks the groups of its directories: which other stage may read what it keeps."""

import subprocess

import pytest

from spool.layout import STAGES, Stage
from tests.pipeline.agent import until
from tests.security.users import SharedHost

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_whose_state_every_stage_may_read_does_not_start(
    host: SharedHost, stage: Stage
) -> None:
    path = host.root / "state" / stage
    for argv in (("chgrp", "compliance-agent"), ("chmod", "2750")):
        subprocess.run(host.command(*argv, str(path)), check=True)
    host.start(stage)
    until(lambda: f"{path}: has the group compliance-agent, not" in host.log(stage), "the reason")
    assert "systemd-tmpfiles --create compliance-agent.conf" in host.log(stage)
    assert "has the group compliance-agent, not" in host.agent("verify", code=1)
