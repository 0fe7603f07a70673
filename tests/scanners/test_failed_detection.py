"""A detection that fails, or whose result can't be kept, is made up for soon."""

import io
from pathlib import Path

import pytest

from schemas.capabilities import DETECTED_STATE, Detected
from schemas.settings import Settings
from spool.errors import SpoolError
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.scanners import detection
from stages.scanners.detection import Detector
from tests.faults.test_immovable_entries import immutable


@pytest.fixture
def process(tmp_path: Path) -> Process:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return Process("scan", Settings(), None, spool, Log("scan", stream=io.StringIO()), NoDoorbell())


def kept(process: Process) -> Detected | None:
    return process.state_store.read(DETECTED_STATE, Detected)


def test_without_an_earlier_detection_the_reason_is_that_of_the_failure(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = Detector(process)
    with monkeypatch.context() as patch:
        patch.setattr(detection, "_LIMIT_S", 0.0)
        detector.refresh()
    (problem,) = detector.detected.scanners["openscap"].problems
    assert problem.startswith("the detection of scanners failed: the worker took too long")
    assert 0 < detector.due_in_s() <= 60
    assert kept(process) is None
    detector.refresh(now=True)
    assert detector.detected == kept(process)


def test_the_detection_of_an_earlier_process_stays_in_use(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = Detector(process)
    earlier.refresh()
    monkeypatch.setattr(detection, "_LIMIT_S", 0.0)
    later = Detector(process)
    later.refresh()
    assert later.detected == earlier.detected == kept(process)
    assert later.due_in_s() <= 60


def test_a_result_that_could_not_be_kept_is_kept_at_the_next_call(process: Process) -> None:
    process.state_store.write("other", {})
    detector = Detector(process)
    with (
        immutable(process.spool.root / "state" / "scan"),
        pytest.raises(SpoolError, match="the work stays pending"),
    ):
        detector.refresh()
    detector.refresh()
    assert detector.detected == kept(process)
