"""A scanner as a child: limits, priorities, and an end for all that it started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from schemas.settings import Settings
from spool import durable
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.scanners import child
from stages.scanners.captured_output import Line
from stages.scanners.child import Cause, Child, ChildLimits, End, EndedBy
from tests.pipeline.agent import until

pytestmark = pytest.mark.slow

CANCELLED = EndedBy(Cause.CANCELLED, "cancelled by the operator")
ROOMY = ChildLimits(30, 16 << 20)


@dataclass(frozen=True)
class Place:
    limits: ChildLimits = ROOMY
    directory: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@pytest.fixture
def process(tmp_path: Path) -> Process:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return Process("scan", Settings(), None, spool, Log("scan"), NoDoorbell())


@pytest.fixture
def draft(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "draft"
    path.mkdir()
    yield path
    # What a scanner nests is too deep for pytest, which removes the directories of earlier runs.
    handle = durable.open_directory(tmp_path)
    durable.remove(handle, "draft")
    os.close(handle)


Run = Callable[..., tuple[End, list[str]]]


@pytest.fixture
def run(process: Process, draft: Path) -> Run:
    """Run a Python program as a scanner; its end, and the lines that were reported meanwhile."""

    def run(
        program: str,
        limits: ChildLimits = ROOMY,
        unwanted: Callable[[], EndedBy | None] = lambda: None,
    ) -> tuple[End, list[str]]:
        lines: list[Line] = []
        command = (sys.executable, "-c", program)
        end = Child(process, draft, Place(limits), lines.append).run(
            command, lambda _: None, unwanted
        )
        return end, [line.text for line in lines]

    return run


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_lines_are_reported_as_they_come_and_both_streams_are_kept(run: Run, draft: Path) -> None:
    end, lines = run(
        "import sys; print('one'); print('two'); print('oh', file=sys.stderr); sys.exit(2)"
    )
    assert (end.exit_code, end.signal, end.ended_by, end.last_line) == (2, None, None, "oh")
    assert lines == ["one", "two"]
    assert (draft / "stdout.log").read_text() == "one\ntwo\n"
    assert (draft / "stderr.log").read_text() == "oh\n"


def test_a_line_has_the_time_of_its_first_byte_and_of_its_end(
    process: Process, draft: Path
) -> None:
    lines: list[Line] = []
    program = (
        "import sys, time; sys.stdout.write('name|'); sys.stdout.flush(); time.sleep(0.4);"
        "print('pass'); sys.stdout.write('other|'); sys.stdout.flush(); time.sleep(0.2)"
    )
    command = (sys.executable, "-c", program)
    Child(process, draft, Place(), lines.append).run(command, lambda _: None, lambda: None)
    whole, unfinished = lines
    assert (whole.text, unfinished.text) == ("name|pass", "other|")
    assert whole.ended_s - whole.began_s >= 0.3
    assert whole.ended_s <= unfinished.began_s < unfinished.ended_s


def test_an_end_by_a_signal_has_the_signal_and_no_exit_code(run: Run) -> None:
    end, _ = run("import os; os.kill(os.getpid(), 11)")
    assert (end.exit_code, end.signal) == (None, 11)


def test_a_scanner_has_the_lowest_priority_its_own_process_group_and_a_fixed_environment(
    run: Run, draft: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "api key")
    _, lines = run(
        "import os; print(os.nice(0), os.getpid() == os.getpgid(0), os.getcwd(), "
        "sorted(os.environ));"
        "print(os.popen('ionice -p %d' % os.getpid()).read())"
    )
    assert lines[0] == f"19 True {draft} ['HOME', 'LANG', 'PATH', 'TMPDIR']"
    assert lines[1] == "idle"


def test_a_program_that_ignores_term_is_killed_with_its_children(
    run: Run, draft: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_TERM_PATIENCE_S", 1.0)
    began = time.monotonic()
    end, lines = run(
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('ignored', flush=True))\n"
        "grandchild = os.fork()\n"
        "if grandchild: print(grandchild, flush=True)\n"
        "while True: time.sleep(60)",
        ChildLimits(1, 1 << 20),
    )
    assert end.ended_by == EndedBy(Cause.TIME_LIMIT, "took longer than its limit of 1 s")
    assert end.signal == signal.SIGKILL
    assert "ignored" in lines
    assert time.monotonic() - began < 10
    until(lambda: not alive(int(lines[0])), "the grandchild is gone", 5)


def test_what_a_scanner_leaves_running_is_ended_and_its_pipe_is_not_waited_for(
    run: Run,
) -> None:
    began = time.monotonic()
    end, lines = run(
        "import os, time\n"
        "grandchild = os.fork()\n"
        "if grandchild: print(grandchild, flush=True); os._exit(0)\n"
        "while True: time.sleep(60)"
    )
    assert end.exit_code == 0
    assert time.monotonic() - began < 10
    until(lambda: not alive(int(lines[0])), "the grandchild is gone", 5)


@pytest.mark.parametrize(
    "program",
    [
        (
            "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
            "f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 16))"
        ),
        "while True: print('x' * 1000)",
        "import sys\nwhile True: print('x' * 100000, end='', file=sys.stderr)",
        "f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 16))",
        "import os\nn = 0\nwhile True: n += 1; open(str(n), 'wb').write(bytes(1 << 20))",
        "import os, time\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')\ntime.sleep(100)",
    ],
)
def test_too_much_output_ends_the_scanner_and_little_of_it_is_kept(
    run: Run, draft: Path, program: str
) -> None:
    end, _ = run(program, ChildLimits(30, 4 << 20))
    assert end.ended_by == EndedBy(Cause.OUTPUT_LIMIT, "wrote more than its limit of 4 MiB")
    assert (draft / "stdout.log").stat().st_size <= 8 << 20


def test_a_line_that_never_ends_is_cut_off(run: Run) -> None:
    end, lines = run("print('x' * 1_000_000)")
    assert [len(line) <= 16 * 1024 for line in lines] == [True]
    assert len(end.last_line) == 1000


def test_a_reported_line_is_one_printable_line(run: Run) -> None:
    end, lines = run(
        r"import sys; sys.stdout.buffer.write(b'[WARN] 2.1  -\t\x1b[31mred\x00\xff\x07\r\n \n')"
    )
    assert lines == ["[WARN] 2.1 - \ufffd[31mred\ufffd\ufffd\ufffd"]
    assert end.last_line == lines[0]


def test_a_scanner_is_ended_on_request(run: Run, draft: Path) -> None:
    end, _ = run(
        "import time\nopen('running', 'w')\ntime.sleep(60)",
        unwanted=lambda: CANCELLED if (draft / "running").exists() else None,
    )
    assert (end.ended_by, end.signal) == (CANCELLED, signal.SIGTERM)


@pytest.mark.parametrize("start", ["", "setsid "])
def test_what_a_scanner_leaves_writing_does_not_hold_up_the_end(run: Run, start: str) -> None:
    began = time.monotonic()
    end, _ = run(
        "import os, subprocess, time\n"
        f"subprocess.Popen('{start}timeout 60 sh -c \"touch go; exec yes\"', shell=True)\n"
        "while not os.path.exists('go'): time.sleep(0.1)\n"
        "time.sleep(0.5)\n"
        "os._exit(0)",
        ChildLimits(90, 1 << 40),
    )
    assert (end.exit_code, end.ended_by) == (0, None)
    assert time.monotonic() - began < 50


def test_a_limit_of_file_sizes_that_is_lower_already_stays(draft: Path) -> None:
    program = """
import resource, sys
from pathlib import Path
from tests.scanners.test_child import *
directory = Path(sys.argv[1])
spool = Spool(directory / "spool")
spool.prepare()
process = Process("scan", Settings(), None, spool, Log("scan"), NoDoorbell())
resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, 8 << 20))
command = ("sh", "-c", "ulimit -f")
end = Child(process, directory, Place(), lambda line: print(line.text)).run(
    command, lambda _: None, lambda: None
)
print(end.exit_code, end.ended_by)
"""
    unable: list[str] = []
    if os.geteuid() == 0:
        # Without the capability that the service does not have, either.
        unable = ["setpriv", "--bounding-set", "-sys_resource"]
    done = subprocess.run(
        [*unable, sys.executable, "-c", program, str(draft)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.splitlines() in (["8192", "0 None"], ["16384", "0 None"]), done.stderr


def test_a_missing_program_raises_an_error(process: Process, draft: Path) -> None:
    at = Child(process, draft, Place(directory=draft / "none"), lambda _: None)
    with pytest.raises(OSError, match="No such file"):
        at.run(("/bin/true",), lambda _: None, lambda: None)


def test_a_scanner_dies_with_the_process_that_started_it(process: Process, draft: Path) -> None:
    pid = os.fork()
    if pid == 0:
        try:

            def started(number: int) -> None:
                (draft / "pid").write_text(str(number))

            Child(process, draft, Place(), lambda _: None).run(
                ("sleep", "60"), started, lambda: None
            )
        finally:
            os._exit(0)
    until(lambda: (draft / "pid").exists() and (draft / "pid").read_text(), "it runs", 10)
    until(
        lambda: "sleep" in command_of(int((draft / "pid").read_text())), "the wrappers are gone", 10
    )
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    until(lambda: not alive(int((draft / "pid").read_text())), "it is gone, too", 5)


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text()
