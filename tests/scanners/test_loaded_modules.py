"""Each stage process has loaded only what it needs, after it has done its part of a real scan."""

from pathlib import Path

import pytest

from receiver import Policy, Receiver
from spool.layout import STAGES
from tests.pipeline.agent import an_agent, until

XML = {"lxml"}
RUNNERS = {
    "stages.scanners.child",
    "stages.scanners.runner",
    "stages.scanners.openscap.openscap_run",
    "stages.scanners.docker_bench.docker_bench_run",
}
READERS = {"stages.scanners.openscap.openscap_report", "stages.scanners.docker_bench.reading"}
DETECTION = {"stages.scanners.detection", "stages.scanners.openscap.content_profiles"}


@pytest.mark.oscap
def test_after_a_scan_no_stage_has_loaded_what_only_another_one_needs(tmp_path: Path) -> None:
    with (
        Receiver(Policy(posts_per_minute=10_000)) as server,
        an_agent(server, LOADED_MODULES=str(tmp_path)) as agent,
    ):
        agent.module = "tests.scanners.loaded_modules"
        scan_id = agent.ask("all_pass")
        agent.start()
        until(lambda: agent.received(scan_id), "a receipt")
        assert agent.report(scan_id).status == "completed"
        mapped = {stage: libraries(agent.processes[stage].pid) for stage in STAGES}
        agent.stop()
    # The XML library is in worker processes alone, also while the stages run.
    for stage, names in mapped.items():
        assert not any(name.startswith(("etree.", "_elementpath.")) for name in names), stage
    loaded = {
        stage: set((tmp_path / f"stage-{stage}").read_text().splitlines()) for stage in STAGES
    }
    assert not loaded["trigger"] & (XML | RUNNERS | READERS | DETECTION)
    assert not loaded["scan"] & (XML | READERS | {"croniter", "requests", "websockets", "ssl"})
    assert not loaded["parse"] & (XML | RUNNERS | READERS | DETECTION | {"croniter", "requests"})
    assert not loaded["ship"] & (XML | RUNNERS | READERS | DETECTION | {"croniter"})


def libraries(pid: int) -> set[str]:
    """The names of the shared libraries that a running process has mapped."""
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {Path(line.split()[-1]).name for line in maps if ".so" in line}
