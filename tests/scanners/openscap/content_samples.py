"""Small content files, guides and stored content, as publishers and servers make them."""

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from schemas.content import StoredContent
from spool.content_store import ContentEntry, ContentPlace, ContentStore
from stages.scanners.openscap.content import LINUX

AT = datetime(2026, 11, 26, tzinfo=UTC)
PREFIX = "xccdf_org.ssgproject.content_profile_"
OVAL = "http://oval.mitre.org/XMLSchema/oval-definitions-5"
SCE = "http://open-scap.org/page/SCE"


def datastream(
    product: str = "debian12",
    version: str = "0.1.76",
    profiles: Sequence[str] = ("standard",),
    *,
    system: str = OVAL,
    remote: str | None = None,
) -> bytes:
    """A datastream without checks that could be evaluated."""
    reference = ""
    if remote:
        reference = f'<ds:checks><ds:component-ref id="r" xlink:href="{remote}"/></ds:checks>'
    listed = "".join(
        f'<Profile id="{PREFIX}{name}"><title>Title of {name}</title></Profile>'
        for name in profiles
    )
    return (
        '<ds:data-stream-collection xmlns:ds="http://scap.nist.gov/schema/scap/source/1.2" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" id="c">'
        f'<ds:data-stream id="scap_org.open-scap_datastream_from_xccdf_ssg-{product}-xccdf.xml">'
        '<ds:checklists><ds:component-ref id="x" xlink:href="#benchmark"/></ds:checklists>'
        f"{reference}</ds:data-stream>"
        '<ds:component id="benchmark" timestamp="2026-01-01T00:00:00">'
        '<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" '
        f'id="xccdf_org.ssgproject.content_benchmark_{product.upper()}">'
        f"<version>{version}</version>{listed}"
        '<Group id="g"><Rule id="xccdf_org.ssgproject.content_rule_a"><title>A</title>'
        f'<check system="{system}"><check-content-ref href="a.xml" name="a"/></check>'
        "</Rule></Group></Benchmark></ds:component></ds:data-stream-collection>"
    ).encode()


def real_content(product: str, version: str) -> bytes:
    """Content for a product by its ids, whose rules hold on any Linux."""
    text = LINUX.read_bytes()
    assert b"_datastream_linux" in text
    assert b">1.0.0<" in text
    named = f"_datastream_from_xccdf_ssg-{product}-xccdf.xml".encode()
    text = text.replace(b"_datastream_linux", named)
    return text.replace(b">1.0.0<", f">{version}<".encode(), 1)


def guide(
    directory: Path,
    channels: Mapping[str, str],
    product: str = "ubuntu2204",
    content: bytes | None = None,
) -> None:
    """A package `usg-benchmarks`: the name of each channel and the version of its benchmark."""
    content = content or datastream(product, "0.1.67", ("cis_level1_server", "stig"))
    profiles, benchmarks, listed = [], [], []
    for number, (name, version) in enumerate(channels.items(), start=1):
        packed = gzip.compress(content, mtime=0)
        file = directory / name / f"ssg-{product}-ds.xml.gz"
        file.parent.mkdir(parents=True)
        file.write_bytes(packed)
        benchmark = f"{name}-{version}"
        benchmarks.append({"id": benchmark, "channel_id": name, "version": version})
        for short, alias in (("cis_level1_server", "cis_level1_server"), ("stig", "disa_stig")):
            profiles.append(
                {
                    "id": f"{alias}-{version}",
                    "cac_id": short,
                    "alias_ids": [alias],
                    "benchmark_id": benchmark,
                }
            )
        entry = {
            "path": f"{name}/{file.name}",
            "sha256": hashlib.sha256(packed).hexdigest(),
        }
        listed.append(
            {
                "id": name,
                "benchmark_ids": [benchmark],
                "channel_number": number,
                "is_latest": number == len(channels),
                "cac_product": product,
                "data_files": {"datastream_gz": entry},
            }
        )
    whole = {"profiles": profiles, "benchmarks": benchmarks, "release_channels": listed}
    (directory / "benchmarks.json").write_text(json.dumps(whole))


def stored(
    spool: Path, place: ContentPlace, content: bytes, product: str = "debian12"
) -> ContentEntry:
    """Content that was added, or that came from the server."""
    store = ContentStore(spool, place)
    store.path.mkdir(parents=True, exist_ok=True)
    name = f"ssg-{product}-ds.xml"
    (store.draft("new") / name).write_bytes(content)
    record = StoredContent(
        file=name,
        sha256=hashlib.sha256(content).hexdigest(),
        product=product,
        origin=f"{place}, for a test",
        at=AT,
    )
    entry = store.publish("new", record)
    store.close()
    return entry
