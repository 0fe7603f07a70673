"""kill -9 on a booted system, of each unit, each pair, and all: every scan arrives once."""

from itertools import combinations

import pytest

from receiver import Receiver
from spool.layout import STAGES
from tests.booted.host import TARGET, Host

pytestmark = [
    pytest.mark.booted,
    pytest.mark.docker,
    pytest.mark.xdist_group("booted"),
    pytest.mark.timeout(900),
]
VICTIMS = [*((stage,) for stage in STAGES), *combinations(STAGES, 2), STAGES]


@pytest.mark.parametrize("victims", VICTIMS, ids="+".join)
def test_units_that_are_killed_come_back_and_the_scan_arrives(
    victims: tuple[str, ...], busy: tuple[Host, Receiver]
) -> None:
    host, server = busy
    # Restarted, so that no unit is in the pause after its death in the previous test.
    host.run("systemctl", "restart", TARGET)
    host.await_active()
    units = [f"compliance-agent-{stage}.service" for stage in victims]
    before = {unit: host.main_pid(unit) for unit in units}
    scan_id = host.request_scan()
    host.run("systemctl", "kill", "--signal=KILL", *units)
    host.until(lambda: host.received(scan_id), f"{scan_id} arrives")
    assert host.outcome(scan_id) == ("completed", "accepted"), host.journal()[-3000:]
    assert scan_id in {post["idempotency_key"] for post in server.posts()}
    host.await_active()
    assert all(host.main_pid(unit) != before[unit] for unit in units)
