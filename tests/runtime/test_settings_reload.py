"""A settings file that changes while a stage runs."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.runtime.settings_reload import signature
from stages.scanners.settings import load_settings
from tests.pipeline.agent import until

pytestmark = pytest.mark.slow


class Running:
    """A process with a settings file."""

    def __init__(self, home: Path) -> None:
        self.config = home / "config.yml"
        self.write("warning")
        self.log_text = StringIO()
        self._spool = Spool(home / "spool")
        self.process = self.started()

    def started(self, after_reading: Callable[[], None] = lambda: None) -> Process:
        """As a stage starts."""
        seen = signature(self.config)
        loaded = load_settings(self.config).settings
        after_reading()
        log = Log("trigger", stream=self.log_text)
        return Process(
            "trigger",
            loaded,
            self.config,
            self._spool,
            log,
            NoDoorbell(),
            load_settings,
            config_seen=seen,
        )

    def write(self, level: str) -> None:
        self.config.write_text(json.dumps({"log": {"level": level}}))

    @property
    def level(self) -> str:
        self.process.refresh_settings()
        return self.process.settings.log.level

    def settles(self) -> None:
        """Until the stage has decided."""
        self.process.refresh_settings()
        until(
            lambda: self.process.refresh_settings() or self.process.settings_due_in_s() > 1e9,
            "settled",
            5,
        )


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running(tmp_path)


def test_a_file_that_is_being_written_is_not_applied_before_it_is_complete(
    running: Running,
) -> None:
    with running.config.open("w") as stream:
        for piece in ("log:\n", "  level: error\n", "compliance: {enabled: false}\n"):
            assert running.level == "warning"
            stream.write(piece)
            stream.flush()
    assert running.level == "warning"
    assert 0 < running.process.settings_due_in_s() <= 1
    running.settles()
    assert running.level == "error"
    assert not running.process.settings.compliance.enabled
    assert running.log_text.getvalue().count("settings") <= 1


@pytest.mark.parametrize("text", ["", "\n\n", "# all of it is gone\n", "{}", "log: {}\n"])
def test_a_file_that_was_emptied_is_reported_and_the_old_settings_stay(
    running: Running, text: str
) -> None:
    running.config.write_text(text)
    running.settles()
    assert running.level == "warning"
    assert running.log_text.getvalue().count("config.yml: is empty") == 1
    running.write("error")
    running.settles()
    assert running.level == "error"


def test_a_file_that_is_removed_and_restored_changes_nothing(running: Running) -> None:
    aside = running.config.with_suffix(".bak")
    running.config.rename(aside)
    assert running.level == "warning"
    aside.rename(running.config)
    running.settles()
    assert running.level == "warning"
    assert running.log_text.getvalue() == ""


def test_sighup_reads_the_file_at_once(running: Running) -> None:
    running.write("error")
    assert running.level == "warning"
    running.process.hang_up()
    assert running.level == "error"


def test_a_change_between_reading_and_the_first_check_is_noticed(running: Running) -> None:
    running.process = running.started(lambda: running.write("error"))
    assert running.level == "warning"
    running.settles()
    assert running.level == "error"
