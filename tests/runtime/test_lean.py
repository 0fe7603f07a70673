"""A stage at rest is small: what it does not need it does not import."""

import subprocess
import sys

import pytest

from spool.layout import STAGES

_SHOW = (
    "import sys, stages.console.main, stages.console.stage_command, stages.{stage}.stage;"
    "print(*sys.modules)"
)
_HEAVY = {"asyncio", "difflib", "lxml", "requests", "rich", "starlette", "tenacity", "uvicorn"}


def modules(stage: str) -> set[str]:
    """The modules that a stage has loaded when it starts."""
    done = subprocess.run(
        [sys.executable, "-c", _SHOW.format(stage=stage)],
        capture_output=True,
        check=True,
        text=True,
    )
    return set(done.stdout.split())


def libraries(stage: str) -> set[str]:
    return {name.partition(".")[0] for name in modules(stage)}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_starts_without_what_it_may_never_need(stage: str) -> None:
    assert not libraries(stage) & _HEAVY


@pytest.mark.parametrize("stage", ["scan", "parse", "ship"])
def test_a_stage_that_watches_nothing_loads_neither_watchdog_nor_dataclasses(stage: str) -> None:
    assert not libraries(stage) & {"argparse", "dataclasses", "logging", "watchdog"}


@pytest.mark.parametrize("stage", ["scan", "parse"])
def test_a_stage_without_network_loads_nothing_of_mail_and_packages(stage: str) -> None:
    assert not modules(stage) & {"email", "importlib.metadata", "ssl", "zipfile"}
