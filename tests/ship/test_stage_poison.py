"""A scan of which nothing comes, again and again, while the server takes others."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.patchmon.scripted_server import (
    Answer,
    ScriptedServer,
    accepted,
    reply,
    reset,
    sent,
    serving,
)
from tests.ship.ship_spool import Ship, report, scan_id

pytestmark = pytest.mark.slow


class Poisoned:
    """A server that answers so to one scan, and takes all others."""

    def __init__(self, number: int, answer: Answer) -> None:
        self._poison, self._answer = scan_id(number), answer
        self.server: ScriptedServer | None = None

    def __call__(self, connection: Any) -> bool:
        assert self.server
        poisoned = self.server.requests[-1].scan_id == self._poison
        return bool((self._answer if poisoned else accepted)(connection))


@pytest.mark.parametrize(
    "trouble",
    [
        reply(500, {"error": "boom"}),
        reply(502),
        reply(504),
        reset,
        reply(403, "<html>firewall", "text/html"),
    ],
)
def test_other_profiles_do_not_wait_for_it_and_it_is_never_refused(
    tmp_path: Path, trouble: Answer
) -> None:
    poisoned = Poisoned(1, trouble)
    with serving(otherwise=poisoned) as poisoned.server:
        ship = Ship(tmp_path, poisoned.server.url)
        ship.put(report(1), report(2, "B"), report(3), report(4, "C"))
        ship.run_once(20)
        assert ship.answers == {2: "accepted", 4: "accepted"}
        assert sent(poisoned.server)[:6] == [1, 1, 1, 2, 1, 4]
        ship.put(report(5, "B"))
        ship.run_once()
        assert ship.answers == {2: "accepted", 4: "accepted", 5: "accepted"}
        ship.close()


def test_its_reason_names_how_the_next_of_its_profile_goes_and_that_works(tmp_path: Path) -> None:
    poisoned = Poisoned(1, reply(500, {"error": "boom"}))
    with serving(otherwise=poisoned) as poisoned.server:
        ship = Ship(tmp_path, poisoned.server.url)
        ship.put(report(1), report(2, "B"), report(3))
        ship.run_once(3)
        assert "hold" not in (ship.destination.reason or "")
        ship.run_once(2)
        assert f"compliance-agent hold {scan_id(1)}" in (ship.destination.reason or "")
        ship.hold(1)
        ship.run_once()
        assert ship.answers == {2: "accepted", 3: "accepted"}
        ship.close()


def test_while_nothing_passes_all_profiles_are_tried_and_nothing_is_given_up(
    ship: Ship, server: ScriptedServer
) -> None:
    server.answer(*[reply(500)] * 12)
    ship.put(report(1), report(2, "B"), report(3))
    ship.run_once(12)
    assert sent(server) == [1, 1, 1, 2, 2, 2, 1, 2, 1, 2, 1, 2]
    ship.run_once(2)
    assert ship.answers == {1: "accepted", 2: "accepted", 3: "accepted"}


@pytest.mark.parametrize("seed", range(3))
def test_a_server_that_fails_at_random_is_given_every_scan_in_order(
    ship: Ship, server: ScriptedServer, seed: int
) -> None:
    chance = random.Random(seed)
    server.answer(
        *(chance.choice([reply(500), reply(500), reply(500), accepted]) for _ in range(300))
    )
    ship.put(*(report(number, "AB"[number % 2]) for number in range(10)))
    for _ in range(300):
        ship.run_once()
    assert ship.answers == dict.fromkeys(range(10), "accepted")
    for parity in (0, 1):
        mine = [number for number in sent(server) if number % 2 == parity]
        assert mine == sorted(mine)


@pytest.mark.parametrize("failures", [0, 2, 3, 4, 8])
def test_after_an_outage_the_profiles_take_turns_again(
    ship: Ship, server: ScriptedServer, failures: int
) -> None:
    server.answer(*[reply(500)] * failures)
    ship.put(*(report(number, "A") for number in range(1, 6)))
    ship.put(*(report(number, "B") for number in range(11, 16)))
    ship.run_once(failures + 10)
    taken = sent(server)[failures:]
    assert sorted(taken) == [*range(1, 6), *range(11, 16)]
    assert max(taken.index(1), taken.index(11)) <= 2
