"""Credentials: missing, readable by everyone, and where they must not appear."""

import os
from pathlib import Path

from schemas import codec
from tests.patchmon.scripted_server import ScriptedServer, reply
from tests.ship.ship_spool import KEY, Ship, report, with_settings


def test_without_credentials_nothing_is_sent_and_it_says_what_to_do(
    ship: Ship, server: ScriptedServer
) -> None:
    ship.process.settings = codec.replace(
        ship.settings, api=codec.replace(ship.settings.api, key=None)
    )
    ship.put(report(1))
    ship.run_once()
    assert ship.destination.state == "paused"
    assert "api.key_file" in (ship.destination.action or "")
    ship.process.settings = ship.settings
    ship.stage.run_once()
    assert ship.answers == {1: "accepted"}


def test_secrets_that_everyone_can_read_are_not_used(
    ship: Ship, server: ScriptedServer, tmp_path: Path
) -> None:
    key = tmp_path / "key.pem"
    key.write_text("a key")
    key.chmod(0o644)
    with_settings(ship, server.url, server={"client_certificate": str(key)})
    ship.put(report(1))
    ship.run_once()
    assert ship.destination.action
    assert f"chmod 640 {key}" in ship.destination.action
    config = tmp_path / "config.yml"
    config.write_text("server: {}")
    config.chmod(0o644)
    with_settings(ship, server.url, server={"proxy": "http://me:pw@127.0.0.1:1"})
    ship.process.config = config
    ship.run_once()
    assert f"chmod 640 {config}" in ship.destination.action
    assert server.requests == []


def test_the_key_is_in_no_log_note_or_receipt(ship: Ship, server: ScriptedServer) -> None:
    server.answer(reply(401, {"error": f"bad key {KEY}"}), reply(400, {"error": f"bad key {KEY}"}))
    ship.put(report(1), report(2))
    ship.run_once(2)
    for directory, _, names in os.walk(ship.root):
        for name in names:
            assert KEY.encode() not in (Path(directory) / name).read_bytes()
