"""`scripts/torture`: an agent under random trouble for some minutes, then a count of the damage.

Exit code 0 where every count is 0; 1 with the findings and the seed that shows them. What this
machine does not allow is left out, and named.
"""

import argparse
import contextlib
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.torture import verdict
from tests.torture.actions import Torture
from tests.torture.disk_faults import DiskFaults, NoCompilerError, disk_faults
from tests.torture.disks import LoopImage, NoImageError, loop_image
from tests.torture.front import Front
from tests.torture.host import Host, until
from tests.torture.server import ServerProcess
from tests.torture.verdict import Verdict

_SETTLE_LIMIT_S = 300.0
_LEFT_OVER_LIMIT_S = 60.0


def main() -> int:
    args = _parser().parse_args()
    seed = args.seed
    if seed is None:
        seed = random.SystemRandom().randrange(1_000_000)
    # An end by a service or a time limit also unmounts and ends what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    home = Path(tempfile.mkdtemp(prefix="torture"))
    print(f"seed {seed}, {args.minutes:g} min, in {home}", flush=True)
    found = _torture(home, seed, args.minutes * 60)
    print(", ".join(f"{name} {count}" for name, count in found.counts.items()))
    if found.is_good:
        shutil.rmtree(home)
        return 0
    for line in found.lines:
        print(line)
    print(
        f"logs are in {home}; again with: scripts/torture --minutes {args.minutes:g} --seed {seed}"
    )
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, metavar="N", help="(default: 1)")
    parser.add_argument("--seed", type=int, metavar="S", help="(default: a random one)")
    return parser


def _torture(home: Path, seed: int, seconds: float) -> Verdict:
    with contextlib.ExitStack() as stack:
        torture = stack.enter_context(_prepared(home, seed))
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            torture.step()
        torture.end_all_trouble()
        found = _settled(torture)
        took = time.monotonic() - began
        _print_summary(torture, took)
        return found


@contextlib.contextmanager
def _prepared(home: Path, seed: int) -> Iterator[Torture]:
    """A running host with its server, and everything that can trouble them here."""
    chance = random.Random(seed)
    with contextlib.ExitStack() as stack:
        server = ServerProcess(home)
        stack.callback(server.kill)
        server.start()
        front = Front(chance)
        stack.callback(front.close)
        front.server_port = server.port
        disk = _disk(home, stack)
        spool = home / "spool"
        if disk is not None:
            spool = disk.root / "spool"
        host = Host(home, spool, front.url)
        stack.callback(host.close)
        stack.callback(host.release_spool)
        if not host.has_oscap:
            print("left out: scans by oscap, which is missing")
        host.spool.prepare()
        faults = _faults(spool, home, stack)
        if faults is not None:
            host.environment.update(faults.environment)
        host.start()
        yield Torture(chance, host, server, front, disk, faults)


def _disk(home: Path, stack: contextlib.ExitStack) -> LoopImage | None:
    try:
        return stack.enter_context(loop_image(home))
    except NoImageError as error:
        print(f"left out: a full disk and power cuts ({error})")
    return None


def _faults(spool: Path, home: Path, stack: contextlib.ExitStack) -> DiskFaults | None:
    try:
        return stack.enter_context(disk_faults(spool, home))
    except NoCompilerError as error:
        print(f"left out: disk errors and kills at chosen operations ({error})")
    return None


def _settled(torture: Torture) -> Verdict:
    """What is counted once every request has come to its end."""
    host, record = torture.host, torture.record
    if not host.is_running:
        host.start()
    host.command("release", "--all")
    host.command("retry")
    until(lambda: not verdict.unfinished(host.spool, record), _SETTLE_LIMIT_S)
    # What a crash has left goes at the next start.
    host.stop()
    host.start()
    until(lambda: not verdict.left_over(host.spool), _LEFT_OVER_LIMIT_S)
    until(lambda: not verdict.unfinished(host.spool, record), _SETTLE_LIMIT_S)
    record.orphans += [" ".join(process.command)[:200] for process in host.stop()]
    return verdict.judge(host, torture.server, record)


def _print_summary(torture: Torture, took: float) -> None:
    posts = len(torture.server.posts())
    requested = len(torture.host.spool.requests.ids())
    print(f"{took / 60:.1f} min: {requested} requests, {posts} reports at the server")
    print(", ".join(f"{name.replace('_', ' ')} {n}" for name, n in torture.done.most_common()))


if __name__ == "__main__":
    sys.exit(main())
