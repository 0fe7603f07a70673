"""Whether a content file is what it should be, before anything uses it.

A file from the server or the operator is checked in a worker process without privileges, so all
that the check needs is imported beforehand. Content from the server is refused where it has checks
that are scripts, is for another product, or is not well-formed; references to parts on other hosts
are removed from the copy that is kept.

Diagnostics: an error in one line that begins with the file's name and ends with what to do.
"""

import codecs
import hashlib
import os
import re
from collections.abc import Sequence
from contextlib import closing
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import BinaryIO

from schemas import codec
from spool import packing
from spool.packing import PackingError, unpacked
from stages.scanners.content_support import MAX_CONTENT_BYTES, CheckedContent, ContentCheckTask
from stages.scanners.openscap.content_match import product_name
from stages.scanners.openscap.usable_content import copy_without_remote_parts
from stages.scap.content_inspection import Inspection, inspect
from stages.scap.xml_errors import ScapError

packing.import_libraries()
for _encoding in ("utf-8-sig", "utf-16", "latin-1", "ascii"):
    codecs.lookup(_encoding)

_PRODUCT_IN_ID = re.compile(r"ssg-([a-zA-Z0-9_-]+?)-(?:xccdf|ds)")
_BENCHMARK_IN_ID = re.compile(r"_benchmark_([A-Za-z0-9_-]+)$")
_CPE = re.compile(r"[^:]*:[^:]*:(?P<vendor>[^:]*):(?P<product>[^:]*):?(?P<version>[^:]*)")
_NOT_IN_A_PRODUCT = re.compile(r"[^a-z0-9]")


def check(payload: bytes) -> bytes:
    """An encoded `CheckedContent` for an encoded `ContentCheckTask`."""
    task = codec.decode(payload, ContentCheckTask)
    try:
        checked = _check(task)
    except (ScapError, PackingError) as error:
        checked = CheckedContent(error=f"{task.name}: is not content that can be used: {error}")
    except OSError as error:
        checked = CheckedContent(error=f"{task.name}: can't be read: {error.strerror}")
    return codec.encode(checked)


def why_not_from_server(path: Path, digest: str) -> str | None:
    """Why a kept file from the server must not be used; None where it may be."""
    again = "compliance-agent content fetch gets it again"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            if os.fstat(handle).st_size > MAX_CONTENT_BYTES:
                return f"{path}: has more than {MAX_CONTENT_BYTES >> 20} MiB: {again}"
            if hashlib.file_digest(stream, "sha256").hexdigest() != digest:
                return f"{path}: its SHA-256 is not the recorded one: {again}"
            found = _inspected(stream)
    except (ScapError, PackingError) as error:
        return f"{path}: {error}: {again}"
    except OSError as error:
        return f"{path}: can't be read: {error.strerror}: {again}"
    problem = _problem_from_server(found, product_name(path))
    if problem:
        return f"{path}: {problem}"
    if found.remote:
        return f"{path}: refers to {found.remote[0]}: {again}"
    return None


def _check(task: ContentCheckTask) -> CheckedContent:
    """Raises ScapError, PackingError, OSError."""
    size = os.fstat(task.descriptor).st_size
    if size > MAX_CONTENT_BYTES:
        limit = MAX_CONTENT_BYTES >> 20
        message = f"{task.name}: has {size >> 20} MiB, content has {limit} MiB at most"
        return CheckedContent(error=message)
    with os.fdopen(os.dup(task.descriptor), "rb") as stream:
        found = _inspected(stream)
        if not found.profiles:
            raise ScapError("the content has no profile")
        if not found.is_datastream:
            raise ScapError("a plain XCCDF file: name it by compliance.openscap.content")
        product = _product(found, task.product)
        if task.target is None:
            return _checked(found, product, _sha256(stream), ())
        problem = _problem_from_server(found, task.product)
        if problem:
            return CheckedContent(error=f"{task.name}: {problem}")
        stream.seek(0)
        with os.fdopen(os.dup(task.target), "w+b") as target:
            removed = _copy(stream, target)
            remote = found.remote
            if removed:
                target.seek(0)
                # What was written is read again: a reference that the copying did not recognize
                # would send oscap to another host.
                remote = inspect(target).remote
            if remote:
                message = f"{task.name}: refers to {remote[0]}, which is not part of the file"
                return CheckedContent(error=message)
            return _checked(found, product, _sha256(target), removed)


def _sha256(stream: BufferedReader | BufferedRandom) -> str:
    stream.seek(0)
    return hashlib.file_digest(stream, "sha256").hexdigest()


def _checked(
    found: Inspection, product: str, sha256: str, removed: Sequence[str]
) -> CheckedContent:
    return CheckedContent(
        product=product,
        version=found.version,
        sha256=sha256,
        profiles=found.profiles,
        scripts=tuple(found.scripts),
        removed=tuple(removed),
    )


def _inspected(stream: BinaryIO) -> Inspection:
    """What the whole file holds; the stream stays open. Raises ScapError, PackingError."""
    stream.seek(0)
    with (
        os.fdopen(os.dup(stream.fileno()), "rb") as own,
        closing(unpacked(own, MAX_CONTENT_BYTES)) as content,
    ):
        return inspect(content)


def _copy(stream: BinaryIO, target: BinaryIO) -> Sequence[str]:
    with (
        os.fdopen(os.dup(stream.fileno()), "rb") as own,
        closing(unpacked(own, MAX_CONTENT_BYTES)) as content,
    ):
        return copy_without_remote_parts(content, target)


def _problem_from_server(found: Inspection, product: str | None) -> str | None:
    """Why content that came from the server is refused; None where it is not."""
    if found.scripts:
        return (
            f"has checks that are scripts ({found.scripts[0]}), which content from the server must "
            "not have: have them removed at the server, or install content from a package"
        )
    if product and not _is_for(found, product):
        named = ", ".join((*_products(found), *found.platforms)) or "no product"
        return f"is for another product than {product} ({named}): have it corrected at the server"
    return None


def _is_for(found: Inspection, product: str) -> bool:
    """Whether the ids or the CPE names of the content mean this product.

    Rebuilds have the ids of the original and a CPE name of their own.
    """
    if product in _products(found):
        return True
    return any(product in _names_in_cpe(platform) for platform in found.platforms)


def _names_in_cpe(platform: str) -> set[str]:
    """`cpe:/o:vendor:product:8` as `vendor8` and `product8`."""
    found = _CPE.match(platform)
    if found is None:
        return set()
    vendor = _plain(found["vendor"])
    product = _plain(found["product"].removesuffix("_linux"))
    version = _plain(found["version"])
    return {vendor + version, product + version}


def _products(found: Inspection) -> list[str]:
    """The products that the ids name: `ssg-debian12-xccdf`, `benchmark_DEBIAN-12`."""
    named: list[str] = []
    for identifier in found.identifiers:
        for pattern in (_PRODUCT_IN_ID, _BENCHMARK_IN_ID):
            match = pattern.search(identifier)
            if match:
                named.append(_plain(match[1]))
    return list(dict.fromkeys(named))


def _product(found: Inspection, expected: str | None) -> str:
    if expected:
        return expected
    return next(iter(_products(found)), "")


def _plain(text: str) -> str:
    return _NOT_IN_A_PRODUCT.sub("", text.lower())
