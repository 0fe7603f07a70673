"""The four stages with a scanner that takes no time."""

import contextlib
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.ids import ScanId, new_scan_id
from schemas.request import Reason, Request
from spool.layout import Stage
from spool.spool import Spool
from stages.console.command_writer import now
from tests.example_scanner.test_third_scanner import KEY, SCRIPT, SECTION
from tests.pipeline.agent import Agent, an_agent
from tests.torture.disk_faults import DiskFaults


@dataclass
class QuickAgent(Agent):
    """An agent with the example scanner alone."""

    module: str = "tests.example_scanner"
    place: Path | None = None
    """Where the spool is; None: in `home`."""

    @property
    def spool(self) -> Spool:
        return Spool(self.place or self.home / "spool")

    def request(self) -> ScanId:
        """A command of the operator, without an event."""
        at = now()
        scan_id = new_scan_id(KEY, at)
        reason = Reason(source="operator", at=at)
        self.spool.commands.requests.write(Request(scan_id=scan_id, scanner=KEY, reason=reason))
        return scan_id

    def start_with(self, faults: DiskFaults, *stages: Stage) -> None:
        """Start stages whose file operations count."""
        with self._environment(faults.environment):
            self.start(*stages)

    def kill_all(self) -> None:
        for stage in list(self.processes):
            with contextlib.suppress(ProcessLookupError):
                self.kill(stage, signal.SIGKILL)

    @contextlib.contextmanager
    def _environment(self, more: Mapping[str, str]) -> Iterator[None]:
        before = self.environment
        self.environment = {**before, **more}
        try:
            yield
        finally:
            self.environment = before


@contextlib.contextmanager
def a_quick_agent(server: object = None) -> Iterator[QuickAgent]:
    with an_agent(server) as plain:
        agent = QuickAgent(plain.home, plain.settings)
        # The one that ends them with the context.
        agent.processes = plain.processes
        agent.settings["compliance"] = {
            "openscap": {"enabled": False},
            "docker_bench": {"enabled": False},
            SECTION: {"script": str(SCRIPT)},
        }
        agent.settings["spool"]["check_every_s"] = 0.2
        agent.configure()
        agent.spool.prepare()
        yield agent
