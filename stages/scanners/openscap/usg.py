"""The content of the Ubuntu Security Guide, as its package `usg-benchmarks` installs it.

`benchmarks.json` lists profiles, benchmarks and release channels. A channel (`ubuntu2204_CIS_1`) is
one state of the content: its files with their SHA-256, and the benchmarks that are in it. A profile
with a version in its name (`cis_level1_server-v1.0.0`) belongs to a benchmark, and through that to
a channel. The file names are the same in every channel.

The older package has plain XCCDF files in `ubuntu-scap-security-guides/current/benchmarks` and no
such list.

Security: a path in the list must lie within the directory, and the file must have its digest.

Diagnostics: UsgError with the file, the reason and the remedy.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.records import Struct, field
from stages.runtime import plain_file

LIST = "benchmarks.json"
DEFAULT_TAILORING = Path("/etc/usg/default-tailoring.xml")
"""What `usg audit` uses where neither a profile nor a file is named."""
_MAX_LIST_BYTES = 4 << 20
_REINSTALL = "apt-get install --reinstall usg-benchmarks"


class UsgError(Exception):
    """The content can't be used; the text is one line."""


class Channel(Struct, frozen=True):
    """One state of the content for one release."""

    id: str
    product: str
    number: int
    is_latest: bool
    path: Path
    """The datastream, compressed."""
    sha256: str
    version: str | None = None
    """Of its newest benchmark, `v1.0.0`."""
    profiles: Mapping[str, str] = field(default_factory=dict)
    """Names with a version to short names in the content: `cis_level1_server-v1.0.0` to
    `cis_level1_server`."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Names without a version to short names in the content. Here such a name means the newest
    content; usg itself uses the oldest."""

    @property
    def origin(self) -> str:
        return f"Ubuntu Security Guide, channel {self.id}"

    @property
    def title(self) -> str:
        if self.version is None:
            return self.id
        return f"{self.id} {self.version}"


def channels(directory: Path, product: str) -> tuple[Channel, ...]:
    """The channels for a product (`ubuntu2204`), the newest first; none where the directory has no
    list.

    Raises UsgError.
    """
    path = directory / LIST
    if not path.is_file():
        return ()
    try:
        content = json.loads(plain_file.read(path, _MAX_LIST_BYTES))
        found: list[Channel] = []
        for entry in content["release_channels"]:
            if entry["cac_product"] == product and "datastream_gz" in entry["data_files"]:
                found.append(_channel(entry, content, directory))
    except OSError as error:
        raise UsgError(f"{error.filename or path}: can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"{path}: is not the list of the Ubuntu Security Guide: {_REINSTALL}"
        raise UsgError(message) from error
    found.sort(key=lambda channel: (channel.is_latest, channel.number), reverse=True)
    return tuple(found)


def check_path(channel: Channel, directory: Path) -> None:
    """Raises UsgError where the file is outside of the directory."""
    if not channel.path.resolve().is_relative_to(directory.resolve()):
        raise UsgError(
            f"{directory / LIST}: names {channel.path}, outside of its directory: {_REINSTALL}"
        )


def check_digest(channel: Channel) -> None:
    """Raises UsgError where the file does not have the digest that is in the list."""
    try:
        with channel.path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UsgError(f"{channel.path}: can't be read: {error.strerror}: {_REINSTALL}") from error
    if sha256 != channel.sha256:
        raise UsgError(f"{channel.path}: its SHA-256 is not the one in {LIST}: {_REINSTALL}")


def _channel(entry: Mapping[str, Any], content: Mapping[str, Any], directory: Path) -> Channel:
    file = entry["data_files"]["datastream_gz"]
    benchmarks = list(map(str, entry.get("benchmark_ids", ())))
    profiles = content.get("profiles", ())
    wanted = [profile for profile in profiles if profile["benchmark_id"] in benchmarks]
    return Channel(
        id=str(entry["id"]),
        product=str(entry["cac_product"]),
        number=int(entry["channel_number"]),
        is_latest=entry.get("is_latest") is True,
        path=directory / str(file["path"]),
        sha256=str(file["sha256"]),
        version=_version(benchmarks, content.get("benchmarks", ())),
        profiles={str(profile["id"]): str(profile["cac_id"]) for profile in wanted},
        aliases=_aliases(wanted),
    )


def _version(wanted: Sequence[str], benchmarks: Sequence[Mapping[str, Any]]) -> str | None:
    """The version of the last of these benchmarks, which is the newest."""
    versions = {str(benchmark["id"]): benchmark.get("version") for benchmark in benchmarks}
    for identifier in reversed(wanted):
        version = versions.get(identifier)
        if version:
            return str(version)
    return None


def _aliases(profiles: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    names: dict[str, str] = {}
    for profile in profiles:
        for alias in profile.get("alias_ids", ()):
            names[str(alias)] = str(profile["cac_id"])
    return names
