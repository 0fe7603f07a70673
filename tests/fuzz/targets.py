"""What is fuzzed: each parser and reader of what comes from outside, with inputs to begin with.

A target takes any bytes. It returns, or raises what its reader documents; anything else is a
finding. What comes out of a reader has to be good for the next step: a report is encoded, made into
a request body and rendered.
"""

import bz2
import gzip
import json
import lzma
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from schemas import codec
from schemas.archive import ArchivedHost, RawBundleEnd
from schemas.bundle import Bundle
from schemas.command import Hold
from schemas.ids import ScanId, Scanner
from schemas.manifest import Manifest, Role
from schemas.report import Report
from schemas.request import Reason, Request
from schemas.settings import ServerSettings
from spool import bundle, durable, frame, packing, raw_bundle
from spool.entries import seal_report
from spool.errors import EntryError, NewerFormatError, StorageError
from spool.spool import Spool
from stages.formats import registry as formats
from stages.formats.source import ReportSource
from stages.parse import waiver_files
from stages.patchmon import body, commands, key_check, outcome
from stages.patchmon.client import HttpClient
from stages.patchmon.integrations import IntegrationsError, read_integrations
from stages.patchmon.reply import Reply
from stages.patchmon.server_access import HttpRequest, ServerAccess
from stages.runtime.settings_edit import SettingsEditError, changed
from stages.scanners import registry
from stages.scanners.platform import parse_os_release
from stages.scanners.reports import read
from stages.scanners.settings import parse_settings
from stages.scap import content_inspection, content_profiles, rule_counts, tailoring
from stages.scap.xml_errors import ScapError
from stages.trigger.cron import Cron, ScheduleError
from tests.fuzz.mutators import Mutate, mutated_json, mutated_xml
from tests.scanners.docker_bench.docker_bench_printing import (
    CHECKS,
    json_of_1_3_5,
    json_of_1_6,
    text_log,
)
from tests.scanners.openscap.content_samples import datastream
from tests.scanners.openscap.kind_samples_linux import LINUX_KINDS
from tests.scanners.openscap.kind_samples_unix import UNIX_KINDS
from tests.scanners.openscap.scap_samples import Rule, Test, arf, results

AT = datetime(2026, 11, 24, 6, 3, 1, tzinfo=UTC)
SCAN_ID = ScanId("20261124T060301Z-openscap-3f9c2a17")
_MANIFEST = Manifest(
    scan_id=SCAN_ID,
    scanner="openscap",
    outcome="finished",
    command=("oscap",),
    started_at=AT,
    completed_at=AT,
    agent_version="1",
)
_CANCELLED = codec.replace(_MANIFEST, outcome="cancelled", error="cancelled by the operator")
_BODY_BYTES = 300_000
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Target:
    """One reader."""

    feed: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]
    mutate: Mutate | None = None
    """Changes the structure of an input, where bytes alone would rarely stay well-formed."""


# --- results of scanners -------------------------------------------------------------------------


def _arf(content: bytes) -> None:
    _check_result("openscap", {"arf": content})


def _xccdf(content: bytes) -> None:
    _check_result("openscap", {"xccdf-results": content})


def _docker_bench_json(content: bytes) -> None:
    _check_result("docker-bench", {"docker-bench-json": content})


def _docker_bench_log(content: bytes) -> None:
    _check_result("docker-bench", {"docker-bench-log": content})


def _check_result(scanner: Scanner, files: Mapping[Role, bytes]) -> None:
    for manifest in (_MANIFEST, _CANCELLED):
        manifest = codec.replace(manifest, scanner=scanner)
        report = read(manifest, partial(_opened, files), parse_settings(b"")[0])
        _check_report(codec.replace(report, scan_id=SCAN_ID))


def _opened(files: Mapping[Role, bytes], role: Role) -> Callable[[], BinaryIO] | None:
    if role not in files:
        return None
    return partial(BytesIO, files[role])


def _check_report(report: Report) -> None:
    """Whatever a reader makes can be stored, sent and shown."""
    assert codec.decode(frame.unseal("report", seal_report(report)), Report) == report
    sent = body.make(report, _BODY_BYTES, filed_under="a", with_hash=True, agent_version="1")
    json.loads(sent.content)
    source = ReportSource(report=report, agent_version="1", host="host")
    for name in formats.names():
        b"".join(formats.render(name, source))


def _arf_seeds() -> Iterable[bytes]:
    return _of_all_kinds(arf)


def _xccdf_seeds() -> Iterable[bytes]:
    yield from _of_all_kinds(results)
    yield results([Rule("a", check="sce"), Rule("b", "error"), Rule("c", "notchecked")]).encode()


def _of_all_kinds(made: Callable[[list[Rule]], str]) -> Iterable[bytes]:
    tests: list[Test] = [test for test, _ in (*LINUX_KINDS.values(), *UNIX_KINDS.values())]
    for at, test in enumerate(tests):
        yield made([Rule(f"r{at}", tests=[test])]).encode()
    for at in range(0, len(tests) - 1, 2):
        two = tests[at : at + 2]
        yield made([Rule("both", tests=two, negate=True), Rule("none", "pass")]).encode()


def _docker_bench_json_seeds() -> Iterable[bytes]:
    yield json_of_1_6(CHECKS)
    yield json_of_1_6(CHECKS, grouped=False)
    yield json_of_1_3_5(CHECKS)


def _docker_bench_log_seeds() -> Iterable[bytes]:
    yield text_log(CHECKS)
    yield text_log(CHECKS, colours=True)


# --- security content ----------------------------------------------------------------------------


def _content(content: bytes) -> None:
    with suppress(ScapError):
        content_inspection.inspect(BytesIO(content))
    with _in_a_file(content) as path:
        for reader in (content_profiles.discover, rule_counts.count_rules):
            with suppress(ScapError, packing.PackingError):
                reader(path)


def _tailoring(content: bytes) -> None:
    with suppress(ScapError):
        for profile in tailoring.parse_tailoring(content, "a.xml").profiles.values():
            codec.encode(profile.profile)


@contextmanager
def _in_a_file(content: bytes) -> Iterator[Path]:
    """For readers that take a path."""
    with tempfile.TemporaryDirectory(prefix="compliance-fuzz-") as directory:
        path = Path(directory, "input")
        path.write_bytes(content)
        yield path


def _content_seeds() -> Iterable[bytes]:
    yield datastream()
    yield datastream("rhel9", profiles=("cis", "stig"), remote="https://example.com/oval.xml.bz2")
    yield gzip.compress(datastream())
    yield results([Rule("a"), Rule("b")]).encode()


def _tailoring_seeds() -> Iterable[bytes]:
    yield b"""<?xml version="1.0"?>
<xccdf:Tailoring xmlns:xccdf="http://checklists.nist.gov/xccdf/1.2" id="xccdf_a_tailoring_b">
<xccdf:benchmark href="/usr/share/content.xml"/><xccdf:version time="2026-01-01T00:00:00">1
</xccdf:version><xccdf:Profile id="xccdf_a_profile_c" extends="xccdf_a_profile_standard">
<xccdf:title override="true">Ours</xccdf:title><xccdf:select idref="xccdf_a_rule_x"
selected="false"/><xccdf:set-value idref="xccdf_a_value_v">5</xccdf:set-value>
</xccdf:Profile></xccdf:Tailoring>"""


# --- files of the host and of its administrators --------------------------------------------------


def _os_release(content: bytes) -> None:
    platform = parse_os_release(content.decode(errors="replace"))
    assert platform.family is not None
    platform.install_command({"apt": "a", "dnf": "b", "yum": "c"})


def _os_release_seeds() -> Iterable[bytes]:
    yield b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
    yield b'ID="rhel"\nID_LIKE="fedora"\nVERSION_ID="7.9"\nUBUNTU_CODENAME=noble\n'
    yield b"ID=fedora\nVERSION_ID=" + b"9" * 5000
    yield 'ID=rhel\nVERSION_ID="²"'.encode()


def _settings(content: bytes) -> None:
    """Where a file has no problem, its schedule is due some time and it can be edited."""
    settings, problems = parse_settings(content)
    for problem in problems:
        assert str(problem).isprintable(), "a problem is one line"
    codec.encode(settings)
    with suppress(SettingsEditError, UnicodeDecodeError):
        edited = changed(content.decode(), {("server", "url"): "https://patchmon.example.com"})
        if not problems:
            assert parse_settings(edited.encode())[0].server.url == "https://patchmon.example.com"


def _settings_seeds() -> Iterable[bytes]:
    yield (_ROOT / "config.example.yml").read_bytes()
    yield b"server:\n  url: https://a.example\ncompliance: {openscap: {enabled: true}}\n"
    yield b"a: &a [*a]\nserver: !!int ''\n? [x]\n: 1e999\n"
    yield b"spool: {keep_days: 9" + b"9" * 5000 + b"}\n"


def _waivers(content: bytes) -> None:
    found = waiver_files.read(Path("team.yml"), content, open_ended=False)
    for problem in waiver_files.without_contradictions(found).problems:
        assert str(problem).isprintable(), "a problem is one line"


def _waivers_seeds() -> Iterable[bytes]:
    yield b"""- rule: sshd_disable_root_login
  host: "web-*"
  reason: "replaced by a jump host"
  approved_by: security
  ticket: SEC-1
  expires: 2027-03-31
- section: "5.*"
  profile: cis
  reason: b
  expires: 2027-03-31
"""


def _schedule(content: bytes) -> None:
    with suppress(ScheduleError):
        schedule = Cron(content.decode(errors="replace"), UTC)
        due = schedule.next_due(AT)
        assert due > AT
        assert schedule.last_due(due) == due


def _schedule_seeds() -> Iterable[bytes]:
    return (
        b"0 3 * * 0",
        b"@daily",
        b"* 2-7 1 r 4",
        b"h(0-9) * * * *",
        b"*/5 1-3,7 1,15 jan-mar 5L",
        b"0 3 */32,1-7 * 2",
    )


# --- the spool -----------------------------------------------------------------------------------


@cache
def _home() -> "tempfile.TemporaryDirectory[str]":
    """It goes at the end of the process."""
    return tempfile.TemporaryDirectory(prefix="compliance-fuzz-")


@cache
def _spool() -> Spool:
    spool = Spool(Path(_home().name))
    spool.prepare()
    return spool


def _entry(content: bytes) -> None:
    """The first byte chooses the kind, the second whether the rest is sealed: a digest is not
    found by chance.
    """
    spool = _spool()
    kinds = [
        (box, entries)
        for box in (spool.reports, spool.requests, spool.receipts, spool.commands)
        for entries in box.kinds
    ]
    chosen, seals, *_ = (*content[:2], 0, 0)
    box, entries = kinds[chosen % len(kinds)]
    sealed = content[2:]
    if seals % 2:
        sealed = _sealed(entries.kind, sealed)
    name = f"{SCAN_ID}.{entries.kind}"
    with box.directory("can't be written") as handle:
        durable.write(handle, name, sealed, replace=True)
    with suppress(EntryError, StorageError):
        box.check(name)
    if entries.kind == "report":
        _read_report(spool)


def _sealed(kind: str, payload: bytes) -> bytes:
    header, separator, rest = payload.partition(b"\n")
    if separator:
        return frame.seal(kind, rest, header)
    return frame.seal(kind, payload)


def _read_report(spool: Spool) -> None:
    with suppress(EntryError, StorageError):
        spool.reports.header(SCAN_ID)
    with suppress(EntryError, StorageError):
        _check_report(spool.reports.read(SCAN_ID))


def _entry_seeds() -> Iterable[bytes]:
    report = next(iter(_reports()))
    records = (
        report,
        Request(scan_id=SCAN_ID, scanner="openscap", reason=Reason(source="operator", at=AT)),
        Hold(scan_id=SCAN_ID, at=AT, reason="a"),
        _MANIFEST,
    )
    for kind in range(16):
        for record in records:
            yield bytes((kind, 1)) + codec.encode(record)
    yield b"\0\0" + seal_report(report)


def _reports() -> Iterable[Report]:
    for seed in list(_arf_seeds())[:2]:
        yield read(_MANIFEST, partial(_opened, {"arf": seed}), parse_settings(b"")[0])


def _bundle(content: bytes) -> None:
    with suppress(bundle.BundleError, NewerFormatError):
        _, entries = bundle.read(BytesIO(content))
        for _, entry in entries:
            with suppress(EntryError):
                frame.unseal("report", entry)


def _bundle_seeds() -> Iterable[bytes]:
    entries = [seal_report(report) for report in _reports()][:1]
    index = Bundle(
        origin="a",
        hostname="host",
        exported_at=AT,
        agent_version="1",
        reports=tuple(bundle.listed(SCAN_ID, entry) for entry in entries),
    )
    packed = BytesIO()
    bundle.write(packed, index, entries)
    yield packed.getvalue()
    packed.seek(0)
    yield packing.unpacked(packed, 10**7).read()


def _raw_bundle(content: bytes) -> None:
    with suppress(raw_bundle.RawBundleError):
        _, _, scans = raw_bundle.read(BytesIO(content))
        for found in scans:
            for file in found.scan.files:
                with found.open_file(file.name) as stream:
                    stream.read(10**6)


def _raw_bundle_seeds() -> Iterable[bytes]:
    with tempfile.TemporaryDirectory() as directory:
        spool = Spool(Path(directory, "spool"))
        spool.prepare()
        spool.reports.write(next(iter(_reports())))
        scans = list(raw_bundle.scans_of_spool(spool))
        path = Path(directory, "bundle")
        raw_bundle.write(
            path,
            ArchivedHost(hostname="host"),
            scans,
            lambda written: RawBundleEnd(exported_at=AT, agent_version="1", scans=written),
        )
        yield path.read_bytes()


def _packed(content: bytes) -> None:
    with suppress(packing.PackingError), packing.unpacked(BytesIO(content), 10**6) as stream:
        stream.read()


def _packed_seeds() -> Iterable[bytes]:
    text = b"a text that is packed " * 9
    packed = BytesIO()
    packing.pack(BytesIO(text), packed)
    return packed.getvalue(), gzip.compress(text), lzma.compress(text), bz2.compress(text)


# --- the server ----------------------------------------------------------------------------------


def _message(content: bytes) -> None:
    commands.understand(content.decode(errors="replace"), registry.scanners(), {})


def _message_seeds() -> Iterable[bytes]:
    for message in (
        {"type": "compliance_trigger", "profile": "cis", "request_id": "a"},
        {"type": "compliance_scan", "profile_type": "openscap", "docker_bench_enabled": False},
        {"type": "compliance_scan_cancel"},
        {"type": "settings_update", "compliance_scan_interval": 60, "update_interval": 5},
        {"type": "apply_config", "config": {"compliance": {"enabled": "on-demand"}}},
        {"type": "remediate_rule", "rule_id": "a"},
        {"type": "upgrade_ssg"},
    ):
        yield json.dumps(message).encode()


class _Answering:
    """A server on loopback that answers every request with the same bytes."""

    def __init__(self) -> None:
        self.answer = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection, suppress(OSError):
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(65536) or b"\r\n\r\n"
                connection.sendall(self.answer)
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(5)
                while connection.recv(65536):
                    pass


@cache
def _server() -> _Answering:
    return _Answering()


def _answer(content: bytes) -> None:
    """A reply to a request, as it arrives on the wire, and what each reader makes of it."""
    server = _server()
    server.answer = content
    access = ServerAccess(ServerSettings(url=server.url), None)
    client = HttpClient(access, connect_s=5, progress_s=5)
    reply = client.send(HttpRequest(path="/", method="GET"))
    client.close()
    key_check.judge(reply)
    if not isinstance(reply, Reply):
        return
    codec.encode(outcome.decide(reply, AT))
    with suppress(IntegrationsError):
        read_integrations(reply, registry.scanners())


def _answer_seeds() -> Iterable[bytes]:
    accepted = b'{"message": "stored", "scans_received": 1, "scans": [{"scan_id": "row-1"}]}'
    for status in (b"200 OK", b"400 Bad Request", b"429 Too Many", b"503 Gone"):
        yield (
            b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
            b"Retry-After: 120\r\n\r\n%s" % (status, len(accepted), accepted)
        )
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n"
    yield b"HTTP/1.1 301 Moved\r\nLocation: /b\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n"


TARGETS: Mapping[str, Target] = {
    "answer": Target(_answer, _answer_seeds),
    "arf": Target(_arf, _arf_seeds, mutated_xml),
    "bundle": Target(_bundle, _bundle_seeds),
    "content": Target(_content, _content_seeds, mutated_xml),
    "docker-bench-json": Target(_docker_bench_json, _docker_bench_json_seeds, mutated_json),
    "docker-bench-log": Target(_docker_bench_log, _docker_bench_log_seeds),
    "entry": Target(_entry, _entry_seeds),
    "message": Target(_message, _message_seeds, mutated_json),
    "os-release": Target(_os_release, _os_release_seeds),
    "packed": Target(_packed, _packed_seeds),
    "raw-bundle": Target(_raw_bundle, _raw_bundle_seeds),
    "schedule": Target(_schedule, _schedule_seeds),
    "settings": Target(_settings, _settings_seeds),
    "tailoring": Target(_tailoring, _tailoring_seeds, mutated_xml),
    "waivers": Target(_waivers, _waivers_seeds),
    "xccdf": Target(_xccdf, _xccdf_seeds, mutated_xml),
}
