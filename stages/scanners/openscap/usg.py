"""The content of the Ubuntu Security Guide, as its package `usg-benchmarks` installs it.

`benchmarks.json` lists release channels (`ubuntu2204_CIS_1`), each with the files of one state of
the content and their SHA-256. The file names are the same in every channel. Of the channels for
this release the latest is taken.

Security: a path in the list stays within the directory, and the file is what the list says.

Diagnostics: UsgError with the file, the reason and the remedy.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.scanners.openscap.usable_content import Digests

LIST = "benchmarks.json"
_MAX_LIST_BYTES = 4 << 20


class UsgError(Exception):
    """The content can't be used; the text is one line."""


@dataclass(frozen=True)
class UsgContent:
    """The datastream of one release channel, compressed."""

    path: Path
    channel: str
    digests: Digests


def find(directory: Path, product: str) -> UsgContent | None:
    """The latest content for a product (`ubuntu2204`); None where the directory has none.

    Raises UsgError.
    """
    path = directory / LIST
    if not path.is_file():
        return None
    try:
        found = _latest(path, product)
        if found is None:
            return None
        entry = found["data_files"]["datastream_gz"]
        content = UsgContent(
            path=directory / str(entry["path"]),
            channel=str(found["id"]),
            digests=Digests(packed=str(entry["sha256"]), unpacked=entry.get("sha256_orig")),
        )
        _check(content, directory)
    except OSError as error:
        raise UsgError(f"{error.filename or path}: can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path}: is not the list of the Ubuntu Security Guide: install it again"
        raise UsgError(message) from error
    return content


def _latest(path: Path, product: str) -> dict[str, Any] | None:
    with path.open("rb") as stream:
        text = stream.read(_MAX_LIST_BYTES + 1)
    if len(text) > _MAX_LIST_BYTES:
        raise UsgError(f"{path}: is larger than {_MAX_LIST_BYTES >> 20} MiB: install it again")
    channels = []
    for channel in json.loads(text)["release_channels"]:
        if channel["cac_product"] == product and "datastream_gz" in channel["data_files"]:
            channels.append(channel)
    return max(channels, key=_age, default=None)


def _age(channel: dict[str, Any]) -> tuple[bool, int]:
    return channel.get("is_latest") is True, int(channel["channel_number"])


def _check(content: UsgContent, directory: Path) -> None:
    """Raises UsgError, OSError."""
    if not content.path.resolve().is_relative_to(directory.resolve()):
        raise UsgError(f"{directory / LIST}: names {content.path}, outside of its directory")
    with content.path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    if sha256 != content.digests.packed:
        raise UsgError(
            f"{content.path}: its SHA-256 is not the one in {LIST}: "
            "apt-get install --reinstall usg-benchmarks"
        )
