"""`parse`: scanner output made elsewhere, plain or compressed, to a report on standard output.

On a terminal the report is shown as text; piped, or with --json, it is the report itself. `-` is standard input.
"""

import argparse
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from schemas.report import Report
from spool.packing import PackingError, unpacked
from stages.console.context import Context
from stages.console.errors import CommandError
from stages.console.output import show_json
from stages.console.report_view import show_failed, show_summary
from stages.console.sources import seekable
from stages.runtime.exits import Exit
from stages.scanners.docker_bench.reading import (
    DockerBenchError,
    is_docker_bench_log,
    looks_like_docker_bench,
    read_docker_bench,
)
from stages.scanners.openscap.openscap_report import Opener, Options, read_openscap
from stages.scap.xml_records import ScapError

_HEAD_BYTES = 64 * 1024
_MAX_XML_BYTES = 2 * 1024 * 1024 * 1024
_MAX_BENCH_BYTES = 64 * 1024 * 1024


@dataclass
class _Sorted:
    """The files, by what they hold."""

    results: Path | None = None
    arf: Path | None = None
    bench: list[Path] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="XCCDF results and/or ARF of one scan, or the JSON and/or text log of Docker Bench; - is standard input",
    )
    parser.add_argument(
        "--include-notselected", action="store_true", help="also rules the profile does not select"
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    names = ", ".join("standard input" if str(path) == "-" else str(path) for path in args.files)
    try:
        with seekable(args.files, _MAX_XML_BYTES) as files:
            report = _read(_sort(files), args.include_notselected)
    except (ScapError, PackingError, DockerBenchError) as error:
        raise CommandError(f"{names}: {error}", Exit.NO) from error
    except OSError as error:
        why = f"can't be read: {error.strerror or error}"
        raise CommandError(f"{error.filename or names}: {why}", Exit.USAGE) from error
    if context.json or not sys.stdout.isatty():
        show_json(report)
    else:
        show_summary(report)
        show_failed(report)
    return Exit.OK


def _read(files: _Sorted, include_notselected: bool) -> Report:
    if files.bench:
        return _read_bench(files.bench)
    openers = [_opener(path) if path else None for path in (files.results, files.arf)]
    return read_openscap(openers[0], openers[1], Options(include_notselected=include_notselected))


def _read_bench(paths: list[Path]) -> Report:
    contents = [_whole(path) for path in paths]
    logs = [content for content in contents if is_docker_bench_log(content[:_HEAD_BYTES])]
    jsons = [content for content in contents if content not in logs]
    if len(logs) > 1 or len(jsons) > 1:
        raise CommandError(
            "two files of one kind: give the JSON and the text log of one run", Exit.USAGE
        )
    json, log = next(iter(jsons), None), next(iter(logs), None)
    return read_docker_bench(json, log, at=_modified(paths[0]))


def _sort(paths: list[Path]) -> _Sorted:
    found = _Sorted()
    for path in paths:
        with _open(path, _MAX_XML_BYTES) as stream:
            head = stream.read(_HEAD_BYTES)
        if looks_like_docker_bench(head):
            found.bench.append(path)
        elif head and not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
            raise ScapError(
                "neither XCCDF results or ARF (XML in UTF-8) nor the JSON or text log of Docker Bench"
            )
        elif b"asset-report-collection" in head:
            found.arf = _only(found.arf, path, "ARF")
        else:
            found.results = _only(found.results, path, "XCCDF results")
    if found.bench and (found.results or found.arf):
        raise CommandError(
            "the files are of two scanners: parse them one after the other", Exit.USAGE
        )
    if len(found.bench) > 2:
        raise CommandError(
            "more than two files of Docker Bench: give the JSON and the log of one run", Exit.USAGE
        )
    return found


def _only(before: Path | None, path: Path, what: str) -> Path:
    if before:
        raise CommandError(
            f"{before} and {path} are both {what}: parse them one after the other", Exit.USAGE
        )
    return path


def _opener(path: Path) -> Opener:
    return lambda: _open(path, _MAX_XML_BYTES)


def _open(path: Path, limit: int) -> BinaryIO:
    return unpacked(path.open("rb"), limit)


def _whole(path: Path) -> bytes:
    with _open(path, _MAX_BENCH_BYTES) as stream:
        return stream.read()


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
