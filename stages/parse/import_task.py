"""What the parse stage hands to the worker process that takes a bundle in, and what they both know
of it afterwards.
"""

from collections.abc import Collection
from datetime import datetime

from schemas.command import Imported
from schemas.ids import ScanId
from schemas.records import Record
from spool.pending import carried_out
from spool.spool import Spool
from spool.state_store import StateStore

_PLAN = ".plan"
TAKE_IN = "stages.parse.import_worker:take_in"


class ImportTask(Record, frozen=True, kw_only=True):
    """Which import to carry out."""

    spool: str
    command_id: str
    at: datetime


class ImportPlan(Record, frozen=True, kw_only=True):
    """What an import is going to write. It is kept in the stage's state until the outcome is
    written: after a crash in the middle, the reports that were written before it are still counted
    as taken and not as present.
    """

    hostname: str
    new: tuple[ScanId, ...]
    present: tuple[ScanId, ...]


def read_plan(state_store: StateStore, command_id: str) -> ImportPlan | None:
    """None before the bundle was checked."""
    return state_store.read(_plan_name(command_id), ImportPlan)


def write_plan(state_store: StateStore, command_id: str, plan: ImportPlan) -> None:
    state_store.write(_plan_name(command_id), plan)


def forget_plan(state_store: StateStore, command_id: str) -> None:
    state_store.forget(_plan_name(command_id))


def failed_import(spool: Spool, command_id: str, at: datetime, error: str) -> Imported:
    """The outcome of a failed import, with the reports that were written."""
    plan = read_plan(spool.state_store("parse"), command_id)
    if plan is None:
        return Imported(at=at, error=error)
    return Imported(
        at=at,
        hostname=plan.hostname,
        taken=tuple(carried_out(plan.new, spool.reports.ids())),
        present=plan.present,
        error=error,
    )


def forget_plans_of(state_store: StateStore, done: Collection[str]) -> None:
    """Drop the plans of imports that have their outcome: a kill came between the two."""
    for name in state_store.names():
        command_id = name.removesuffix(_PLAN)
        if name.endswith(_PLAN) and command_id in done:
            forget_plan(state_store, command_id)


def _plan_name(command_id: str) -> str:
    return f"{command_id}{_PLAN}"
