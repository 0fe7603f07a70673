"""A day of random outages in simulated time, with the real stage, a real spool and real sockets."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.report import ScanStatus
from schemas.settings import Settings
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.ship.stage import ShipStage
from tests.patchmon.scripted_server import (
    Answer,
    ScriptedServer,
    accepted,
    raw,
    reply,
    reset,
    serving,
)
from tests.ship.ship_spool import START, Ship, report

pytestmark = pytest.mark.slow

DAY_S = 24 * 3600
STATUSES: tuple[ScanStatus, ...] = ("completed", "completed", "completed", "failed", "cancelled")


class SimulatedTime:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


class SimulatedProcess(Process):
    """A process whose time of day is simulated too."""

    def __init__(self, settings: Settings, spool: Spool, log: Log, clock: SimulatedTime) -> None:
        super().__init__("ship", settings, None, spool, log, NoDoorbell())
        self._clock = clock

    def now(self) -> datetime:
        return START + timedelta(seconds=self._clock.s)


class SimulatedShip(Ship):
    def __init__(self, root: Path, url: str, clock: SimulatedTime, **sections: Any) -> None:
        self.clock = clock
        super().__init__(root, url, **sections)

    def make_process(self, log: Log) -> Process:
        return SimulatedProcess(self.settings, self.spool, log, self.clock)

    def make_stage(self) -> ShipStage:
        return ShipStage(self.process, self.clock)


class Weather:
    """What the server does at which time: fair half of the time, else one kind of trouble for a
    while.
    """

    def __init__(self, chance: random.Random, clock: SimulatedTime) -> None:
        self._clock, self._chance = clock, chance
        self._until, self._kind = 0.0, "fair"
        self.stored: list[str] = []
        self.server: ScriptedServer | None = None

    def answer(self, connection: Any) -> bool:
        if self._clock.s >= self._until and self._clock.s < DAY_S:
            self._until = self._clock.s + self._chance.expovariate(1 / 2400)
            self._kind = self._chance.choice(["fair", "fair", "fair", *self._troubles()])
        if self._clock.s >= DAY_S:
            self._kind = "fair"
        if self._kind == "fair":
            return self._take(connection)
        if self._kind == "lost reply":
            self._store()
        return bool(self._troubles()[self._kind](connection))

    def _take(self, connection: Any) -> bool:
        stored = self._store()
        return bool((accepted if stored else reply(422, {"error": "not this one"}))(connection))

    def _store(self) -> bool:
        """Store the scan, unless it is one of those that this server never takes."""
        assert self.server
        scan_id = self.server.requests[-1].scan_id
        if scan_id.endswith("7"):
            return False
        self.stored.append(scan_id)
        return True

    def _troubles(self) -> dict[str, Answer]:
        return {
            "reset": reset,
            "half": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
            "lost reply": reset,
            "portal": reply(200, "<html>log in</html>", "text/html"),
            "limit": reply(429, {"error": "Too many"}),
            "named": reply(503, Retry_After=str(self._chance.randint(-5, 1200))),
            "database": reply(401, {"error": "Invalid API credentials"}),
            "gateway": reply(502, "<html>bad gateway</html>", "text/html"),
            "moved": reply(302, Location="https://elsewhere.example"),
        }


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("backlog", ["all", "latest"])
def test_every_scan_of_the_day_ends_in_exactly_one_of_accepted_refused_superseded(
    tmp_path: Path, seed: int, backlog: str
) -> None:
    chance, clock = random.Random(seed), SimulatedTime()
    weather = Weather(chance, clock)
    due = sorted(chance.uniform(0, DAY_S) for _ in range(60))
    with serving(otherwise=weather.answer) as server:
        weather.server = server
        ship = SimulatedShip(
            tmp_path, server.url, clock, delivery={"backlog": backlog, "per_minute": 9}
        )
        made = 0
        while made < len(due) or set(ship.answers) != set(range(made)):
            assert clock.s < 3 * DAY_S, "the backlog never ended"
            while made < len(due) and due[made] <= clock.s:
                ship.put(report(made, chance.choice("AB"), chance.choice(STATUSES)))
                made += 1
            if chance.random() < 0.1:
                ship.restart()
            ship.stage.run_once()
            next_scan = due[made] - clock.s if made < len(due) else DAY_S
            clock.s += max(0.01, min(ship.stage.timeout_s(), next_scan, 900))
        answers = ship.answers
        ship.close()
    assert set(answers) == set(range(60))
    assert set(answers.values()) <= {"accepted", "refused", "superseded"}
    stored = weather.stored
    took = {number for number, answer in answers.items() if answer == "accepted"}
    assert took <= {int(one.rsplit("-", 1)[1], 16) for one in stored}
    for profile in "AB":
        mine = [one for one in stored if profile_of(server, one) == profile]
        assert mine == sorted(mine), "an older scan was sent after a newer one"
        assert len(server.requests) < 2000


def profile_of(server: ScriptedServer, scan_id: str) -> str:
    return next(str(r.json["profile_name"]) for r in server.requests if r.scan_id == scan_id)
