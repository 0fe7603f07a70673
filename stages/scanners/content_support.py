"""A scanner's security content, as commands and the trigger stage see it: they know no scanner."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from schemas import codec
from schemas.capabilities import DetectedScanner
from schemas.content import ContentList, StoredContent
from schemas.records import Record, Struct
from schemas.settings import Settings
from stages.runtime.worker import Confinement, Host, Worker, WorkerError, unprivileged

if TYPE_CHECKING:
    from stages.scanners.platform import Platform

MAX_CONTENT_BYTES = 512 << 20
_LIMIT_S = 300.0
_MEMORY_BYTES = 2 << 30
_CPU_S = 240


class ContentCheckTask(Record, frozen=True, kw_only=True):
    """A file that is open in the worker process too."""

    name: str
    """As it is called in messages."""
    descriptor: int
    target: int | None = None
    """Where the copy is written. None: the file is not copied, and it is not content from the
    server, which is checked more strictly."""
    product: str | None = None
    """The product that the content has to be for; None: any."""


class CheckedContent(Record, frozen=True, kw_only=True):
    """The result of a check."""

    error: str | None = None
    """Why the file can't be used; None where it can."""
    product: str = ""
    version: str | None = None
    sha256: str = ""
    """Of the copy, or of the file where nothing was copied."""
    profiles: int = 0
    scripts: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    """References to other hosts that the copy does not have."""


class ContentOffer(Struct, frozen=True):
    """The content that a server offers."""

    version: str
    files: Sequence[str]


class WantedContent(Struct, frozen=True):
    """A file to fetch."""

    file: str
    product: str


class NothingWanted(Struct, frozen=True):
    reason: str
    is_refusal: bool = False
    """Whether this refuses a request: the server has no content for this host, or the settings do
    not allow it."""


Wanted = Callable[
    [
        Settings,
        "Platform",
        DetectedScanner | None,
        ContentOffer,
        Sequence[StoredContent],
    ],
    WantedContent | NothingWanted,
]


class ContentSupport(Struct, frozen=True):
    """What a scanner's folder offers for its content."""

    check_entry: str
    """The function of the check, for a worker process."""
    wanted: Wanted
    """Which of the offered files is worth fetching; the last argument is what is kept."""
    file_name: Callable[[str, bytes], str | None]
    """The name under which content of a product is kept, by the product and the first bytes of the
    file; None where such a file can't be used."""
    why_not_for: Callable[["Platform", str], str | None]
    """Why content of a product does not fit a host; None where it fits."""
    listed: Callable[[Settings, "Platform"], ContentList]
    """Every content file of this host, and which is used."""
    install_command: Callable[["Platform"], str | None]
    """The command that installs content for a host; None where there is no known one."""
    baseline: Path
    """The agent's own content, for hosts for which there is no other."""


def check_file(host: Host, support: ContentSupport, task: ContentCheckTask) -> CheckedContent:
    """Check a file in a worker process without privileges. Raises SpoolError, WorkerStoppedError.

    The process has the descriptors under the same numbers.
    """
    for descriptor in (task.descriptor, task.target):
        if descriptor is not None:
            os.set_inheritable(descriptor, True)
    worker = Worker(host, support.check_entry, confinement=_confinement())
    try:
        answer = worker.call(codec.encode(task), _LIMIT_S)
    except WorkerError as error:
        return CheckedContent(error=f"{task.name}: the process that checked it {error}")
    finally:
        worker.stop()
    return codec.decode(answer, CheckedContent)


def _confinement() -> Confinement:
    return unprivileged(memory_bytes=_MEMORY_BYTES, cpu_s=_CPU_S, file_bytes=MAX_CONTENT_BYTES)
