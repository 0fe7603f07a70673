"""What a killed scan stage left running ends with its next start."""

import io
import signal
import subprocess
from pathlib import Path

from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.scan.stage import ScanStage
from stages.scanners import launch
from stages.scanners.settings import check_settings

FORKS = "import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True)"


def test_a_scanner_without_a_stage_is_ended_and_what_it_has_started_too(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.claim("scan")
    draft = spool.raw.path / ".20260601T000000Z-openscap-00000001.draft"
    draft.mkdir()
    environment = launch.environment(draft)
    with subprocess.Popen(["sleep", "1000"], env=environment) as scanner:
        subprocess.run(["python3", "-c", FORKS], env=environment, check=True)
        with subprocess.Popen(["sleep", "1000"], env={"HOME": str(tmp_path)}) as other:
            assert len(list(launch.left_running(spool.raw.path))) == 2
            settings, _ = check_settings({})
            log = Log("scan", stream=io.StringIO())
            ScanStage(Process("scan", settings, None, spool, log, NoDoorbell()))
            assert scanner.wait(timeout=30) == -signal.SIGKILL
            assert other.poll() is None
            other.kill()
