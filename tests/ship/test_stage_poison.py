"""A scan at which the server fails, while it takes others."""

from pathlib import Path
from typing import Any

from tests.ship.scripted_server import Answer, ScriptedServer, accepted, reply, sent, serving
from tests.ship.ship_spool import Ship, report, scan_id


class TestPoison:
    """A server that fails at one scan, and takes others."""

    def fails_at(self, number: int) -> Answer:
        def answer(connection: Any) -> bool:
            poisoned = self.server.requests[-1].scan_id == scan_id(number)
            return bool((reply(500, {"error": "boom"}) if poisoned else accepted)(connection))

        return answer

    def test_it_is_refused_after_another_profile_passed(self, tmp_path: Path) -> None:
        with serving(otherwise=self.fails_at(1)) as self.server:
            ship = Ship(tmp_path, self.server.url)
            ship.put(report(1), report(2, "B"), report(3))
            ship.look(6)
            ship.close()
            assert ship.answers == {1: "refused", 2: "accepted", 3: "accepted"}
            assert sent(self.server) == [1, 1, 1, 2, 1, 3]
            assert "took others meanwhile" in (ship.receipt(1).words or "")

    def test_while_nothing_passes_nothing_is_given_up(self, ship: Ship, server: ScriptedServer) -> None:
        server.say(*[reply(500)] * 12)
        ship.put(report(1), report(2, "B"), report(3))
        ship.look(13)
        assert ship.answers == {1: "accepted", 2: "accepted", 3: "accepted"}
