"""When the server's content is looked at, without a server."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.content import FETCH_STATE, ContentCommand, FetchState
from spool.layout import new_command_id
from stages.scanners.settings import check_settings
from stages.trigger import content_fetch
from stages.trigger.content_fetch import ContentFetch
from tests.trigger.worker import process_at

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ALLOWED = {"openscap": {"content_from_server": "missing"}}
NO_SERVER = "no server to fetch content from: set server.url"


def test_without_a_server_nothing_is_due_and_that_is_logged_once(tmp_path: Path) -> None:
    process = process_at(NOW, tmp_path / "spool", compliance=ALLOWED)
    fetch = ContentFetch(process)
    for _ in range(3):
        fetch.run_once()
    assert process.log_text.getvalue().count(NO_SERVER) == 1
    assert fetch.due_in_s() > 3600
    assert process.state_store.read(FETCH_STATE, FetchState) is None
    assert fetch.want_for_server() == NO_SERVER


def test_an_operator_who_fetches_without_a_server_gets_the_reason(tmp_path: Path) -> None:
    process = process_at(NOW, tmp_path / "spool", compliance=ALLOWED)
    command_id = new_command_id(NOW)
    process.spool.commands.content.write(command_id, ContentCommand(action="fetch", at=NOW))
    ContentFetch(process).run_once()
    state = process.state_store.read(FETCH_STATE, FetchState)
    assert state is not None
    assert (state.command, state.outcome, state.failed) == (command_id, NO_SERVER, True)


def test_after_a_change_of_the_settings_the_scan_stage_has_time_to_detect_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_fetch, "_FIRST_AFTER_S", 0.0)
    server = {"url": "https://patchmon.example.com"}
    process = process_at(NOW, tmp_path / "spool", server=server)
    fetch = ContentFetch(process)
    monkeypatch.setattr(content_fetch, "_FIRST_AFTER_S", 1000.0)
    process.settings, _ = check_settings(
        {"spool": {"path": str(tmp_path / "spool")}, "server": server, "compliance": ALLOWED}
    )
    fetch.run_once()
    assert process.state_store.read(FETCH_STATE, FetchState) is None
    assert 400 < fetch.due_in_s() <= 1500


def test_where_content_from_the_server_is_not_allowed_nothing_is_logged(tmp_path: Path) -> None:
    process = process_at(NOW, tmp_path / "spool")
    ContentFetch(process).run_once()
    assert process.log_text.getvalue() == ""


def test_a_command_is_carried_out_whichever_id_the_one_before_has(tmp_path: Path) -> None:
    process = process_at(NOW, tmp_path / "spool", compliance=ALLOWED)
    fetch = ContentFetch(process)
    commands = process.spool.commands.content
    for command_id in ("20260601T000000Z-ffffffff", "20260601T000000Z-00000000"):
        commands.write(command_id, ContentCommand(action="remove", name="x.xml", at=NOW))
        fetch.run_once()
        state = process.state_store.read(FETCH_STATE, FetchState)
        assert state is not None
        assert state.command == command_id
    fetch.run_once()
    ContentFetch(process).run_once()
    assert process.log_text.getvalue().count("there is no such content") == 3
