"""`content`: the security content of this host; adding, fetching and removing some.

Security: a file that is added is opened with the rights of the caller and checked in a worker
process that has none.
"""

import argparse
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.content import FETCH_STATE, ContentCommand, FetchState, ListedContent, StoredContent
from spool.content_store import ContentEntry, ContentPlace, ContentStore
from spool.layout import new_command_id
from stages.console import command_writer
from stages.console.context import Context
from stages.console.output import show_json, show_line, show_table, show_text, unicode_text
from stages.console.sources import Source, open_sources
from stages.formats.content_fit import FIT
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.standalone_host import StandaloneHost
from stages.scanners import registry
from stages.scanners.host import this_platform

if TYPE_CHECKING:
    from stages.scanners.content_support import CheckedContent, ContentSupport

_WITH_FILE = frozenset({"add", "remove"})
_WAIT_S = 1900.0
_HEAD_BYTES = 64
_MOST_BYTES = 512 << 20
_POLL_S = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "fetch", "add", "remove"),
        default="list",
        help="list: every content file, and which is used; fetch: get content from the server; "
        "add: keep a datastream for this host; remove: remove what was added or fetched",
    )
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="add: a datastream; remove: the name of a file"
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    if args.action in _WITH_FILE:
        return _with_file(args, context)
    if args.file is not None:
        raise CommandError(f"content {args.action}: takes no file", Exit.USAGE)
    if args.action == "fetch":
        return _fetch(context)
    return _list(context)


def _with_file(args: argparse.Namespace, context: Context) -> Exit:
    if args.file is None:
        raise CommandError(f"content {args.action}: name a file", Exit.USAGE)
    if args.action == "add":
        return _add(Path(args.file), context)
    return _remove(args.file, context)


def _list(context: Context) -> Exit:
    platform = this_platform()
    listed: list[ListedContent] = []
    remarks: list[str] = []
    for support in _supports():
        found = support.listed(context.settings, platform)
        listed += found.content
        remarks += found.remarks
    fetched = context.spool.state_store("trigger").read(FETCH_STATE, FetchState)
    if context.json:
        show_json({"content": listed, "remarks": remarks, "fetched": fetched})
        return Exit.OK
    now = datetime.now(UTC)
    if listed:
        show_table(
            ("used", "file", "product", "version", "age", "fit", "reason"),
            [_row(entry, now) for entry in listed],
        )
    for remark in remarks:
        show_text(remark, "yellow")
    if fetched:
        show_text(f"server, {fetched.at:%Y-%m-%d %H:%M} UTC: {fetched.outcome}")
    return Exit.OK


def _row(entry: ListedContent, now: datetime) -> tuple[str | None, ...]:
    age = None
    if entry.modified_at:
        age = f"{(now - entry.modified_at).days} d"
    reason = "; ".join(filter(None, (entry.reason, entry.origin)))
    used = None
    if entry.used:
        used = "yes"
    fit = "none"
    if entry.fit is not None:
        fit = FIT[entry.fit].partition(":")[0]
    return used, entry.file, entry.product, entry.version, age, fit, reason


def _add(path: Path, context: Context) -> Exit:
    with open_sources([path], _MOST_BYTES) as sources:
        entry = _keep(sources[0], context)
    command_writer.publish(context, "CommandGiven")
    record = entry.record
    line = f"{entry.path} added: {record.product}, version {record.version}"
    show_line(record, line, as_json=context.json)
    return Exit.OK


def _keep(source: Source, context: Context) -> ContentEntry:
    """Check the file and keep a copy. Raises CommandError."""
    support = _support()
    checked = _checked(source, support)
    with os.fdopen(os.dup(source.descriptor), "rb") as stream:
        stream.seek(0)
        name = support.file_name(checked.product, stream.read(_HEAD_BYTES))
        if name is None:
            message = f"{source.name}: is not a datastream in plain XML, gzip or bzip2: unpack it"
            raise CommandError(message, Exit.NO)
        record = StoredContent(
            file=name,
            sha256=checked.sha256,
            product=checked.product,
            version=checked.version,
            origin=f"added from {unicode_text(source.name)}",
            at=datetime.now(UTC),
        )
        with _changing(context) as store:
            stream.seek(0)
            with (store.draft(name) / name).open("w+b") as target:
                shutil.copyfileobj(stream, target)
                target.seek(0)
                if hashlib.file_digest(target, "sha256").hexdigest() != checked.sha256:
                    store.discard(name)
                    message = f"{source.name}: was changed while it was read: add it again"
                    raise CommandError(message, Exit.NO)
            entry = store.publish(name, record)
            for other in store.entries():
                if other.record.product == record.product and other.name != entry.name:
                    store.remove(other.name)
    return entry


def _checked(source: Source, support: "ContentSupport") -> "CheckedContent":
    """Raises CommandError for a file that can't be used on this host."""
    from stages.scanners.content_support import ContentCheckTask, check_file

    task = ContentCheckTask(name=unicode_text(source.name), descriptor=source.descriptor)
    checked = check_file(StandaloneHost(), support, task)
    if checked.error:
        raise CommandError(checked.error, Exit.NO)
    refusal = support.why_not_for(this_platform(), checked.product)
    if refusal:
        raise CommandError(f"{source.name}: {refusal}", Exit.NO)
    return checked


def _remove(name: str, context: Context) -> Exit:
    """Remove added content at once; content from the server is removed by its owner, the trigger
    stage.
    """
    context.existing_spool()
    wanted = Path(name).name
    entry = _stored(context, "added", wanted)
    if entry:
        with _changing(context) as store:
            store.remove(entry.name)
        command_writer.publish(context, "CommandGiven")
        outcome = f"{entry.path} removed"
    elif _stored(context, "server", wanted):
        state = _carried_out(context, ContentCommand(action="remove", name=wanted, at=_now()))
        outcome = state.outcome
    else:
        raise CommandError(
            f"{name}: was neither added nor fetched; what a package has installed is removed with "
            "the package (compliance-agent content lists all)",
            Exit.NO,
        )
    show_line({"outcome": outcome}, outcome, as_json=context.json)
    return Exit.OK


def _fetch(context: Context) -> Exit:
    context.existing_spool()
    if not any(spec.fetches_content(context.settings) for spec in registry.scanners()):
        names = [spec.content_setting for spec in registry.scanners() if spec.content_setting]
        raise CommandError(
            f"content from the server is not allowed: set {', '.join(names)}: missing, or newer",
            Exit.USAGE,
        )
    if context.settings.server.url is None:
        raise CommandError("no server to fetch content from: set server.url", Exit.USAGE)
    state = _carried_out(context, ContentCommand(action="fetch", at=_now()))
    show_line(state, state.outcome, as_json=context.json)
    if state.failed:
        return Exit.NO
    return Exit.OK


def _carried_out(context: Context, command: ContentCommand) -> FetchState:
    """Give the command, and where the trigger stage runs, wait until it has carried it out."""
    command_id = new_command_id(command.at)
    with command_writer.giving(context) as commands:
        before = commands.content.ids()
        commands.content.write(command_id, command)
        for earlier in before:
            commands.content.remove(earlier)
    if not context.spool.is_running("trigger"):
        return FetchState(
            at=command.at,
            outcome="the trigger stage is not running: it acts when it is started "
            "(compliance-agent run)",
        )
    store = context.spool.state_store("trigger")
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        state = store.read(FETCH_STATE, FetchState)
        if state and state.command == command_id:
            return state
        time.sleep(_POLL_S)
    raise CommandError("no outcome yet: see compliance-agent content, or the trigger stage's log")


@contextmanager
def _changing(context: Context) -> Iterator[ContentStore]:
    """The store of added content, to be changed. Raises CommandError."""
    with command_writer.giving(context):
        store = ContentStore(context.spool.root, "added")
        try:
            yield store
        finally:
            store.close()


def _stored(context: Context, place: ContentPlace, name: str) -> ContentEntry | None:
    store = ContentStore(context.spool.root, place)
    try:
        entries = store.entries()
    finally:
        store.close()
    for entry in entries:
        if name in (entry.name, entry.record.file):
            return entry
    return None


def _support() -> "ContentSupport":
    return next(iter(_supports()))


def _supports() -> Iterator["ContentSupport"]:
    for spec in registry.scanners():
        if spec.content is not None:
            yield spec.content()


def _now() -> datetime:
    return datetime.now(UTC)
