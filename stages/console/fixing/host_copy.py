"""The copy that is made before a fix, and restored by `fix --undo`.

    /var/lib/compliance-agent/fixes/ID/     0700, root's
        files.tar                           0600: the files as they were
        before.json                         the same, to compare with
        changes.json                        what the fix has changed
        scripts/ output/                    what was run, and what it printed

Promises: what the fix did not change is not touched. A path that was changed again since the fix is
restored only where that is wanted. Contents, modes, owners, extended attributes and the times of
files are those from before; what was not there is removed.

Diagnostics: OSError, and what could not be restored with its reason.
"""

import errno
import json
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.codec import plain
from spool import durable
from stages.console.fixing.host_files import (
    HostFile,
    Scope,
    host_file,
    open_plain,
    parent_of,
    survey,
    through_handle,
)
from stages.console.fixing.path_changes import PathChange, differences, undo_order
from stages.console.half_written import removed_on_failure

COPY, BEFORE, CHANGES = "files.tar", "before.json", "changes.json"
_ATTRIBUTE = "SCHILY.xattr."
_NEW = ".compliance-agent-undo"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OVERWRITE = os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20


class CopyDamagedError(Exception):
    """The copy can't be read."""


def make_copy(directory: Path, scope: Scope) -> dict[str, HostFile]:
    """Copy the scope into the directory; what was copied. Raises OSError."""
    before = survey(scope)
    copy = directory / COPY
    handle = os.open(copy, _CREATE, 0o600)
    with removed_on_failure(copy):
        with (
            os.fdopen(handle, "wb") as stream,
            tarfile.open(fileobj=stream, mode="w") as archive,
        ):
            for path, file in before.items():
                _add(archive, path, file)
        with durable_directory(directory) as opened:
            durable.sync_file(opened, COPY)
        # This makes it a copy that can be restored, so it is written last.
        _write_json(
            directory / BEFORE,
            {
                "scope": plain(scope),
                "files": {path: plain(file) for path, file in before.items()},
            },
        )
    return before


def record_changes(directory: Path, changes: list[PathChange]) -> None:
    """Raises OSError."""
    _write_json(directory / CHANGES, list(map(plain, changes)))


def changes_of(directory: Path) -> list[PathChange]:
    """What a fix has changed; of one that was killed, all that differs now. Raises OSError."""
    try:
        kept = json.loads((directory / CHANGES).read_text())
    except FileNotFoundError:
        before = json.loads((directory / BEFORE).read_text())
        scope = Scope(tuple(before["scope"]["trees"]), tuple(before["scope"]["named"]))
        files = {path: HostFile(**file) for path, file in before["files"].items()}
        return differences(files, survey(scope))
    return [
        PathChange(change["path"], _host_file(change["before"]), _host_file(change["after"]))
        for change in kept
    ]


def now_at(path: str) -> HostFile | None:
    """What is at a path. Raises OSError."""
    try:
        return host_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def restore(directory: Path, changes: list[PathChange]) -> tuple[list[str], list[str]]:
    """The paths that are restored, and those that are not, with the reason.

    Raises OSError, CopyDamagedError.
    """
    try:
        with tarfile.open(directory / COPY) as archive:
            return _restore_all(archive, changes)
    except tarfile.TarError as error:
        raise CopyDamagedError(str(error)) from error


def _restore_all(
    archive: tarfile.TarFile, changes: list[PathChange]
) -> tuple[list[str], list[str]]:
    restored: list[str] = []
    failed: list[str] = []
    for change in undo_order(changes):
        try:
            _restore_one(archive, change)
            restored.append(change.path)
        except KeyError:
            failed.append(f"{change.path}: is not in the copy")
        except OSError as error:
            failed.append(f"{change.path}: {error.strerror or error}")
    return restored, failed


def _restore_one(archive: tarfile.TarFile, change: PathChange) -> None:
    """Raises OSError; KeyError for what is not in the copy."""
    with parent_of(change.path) as (parent, name):
        before = change.before
        if before is None:
            _remove(parent, name)
            return
        member = archive.getmember(_member_name(change.path))
        if before.kind == "file":
            _put_file(archive, member, parent, name, before)
        elif before.kind == "link":
            _remove(parent, name)
            os.symlink(member.linkname, name, dir_fd=parent)
            os.chown(name, before.owner, before.group, dir_fd=parent, follow_symlinks=False)
        elif before.kind == "directory":
            _put_directory(parent, name, before, member.mtime)
        else:
            raise OSError(errno.EINVAL, "is a device or a pipe, which is not restored")


def _put_file(
    archive: tarfile.TarFile, member: tarfile.TarInfo, parent: int, name: str, before: HostFile
) -> None:
    """By rename, so that no reader sees half of it; a file that is a mount is written in place."""
    if _is_directory(parent, name):
        os.rmdir(name, dir_fd=parent)
    new = f".{name}{_NEW}"
    _remove(parent, new)
    _write(archive, member, os.open(new, _CREATE, 0o600, dir_fd=parent), before)
    try:
        durable.move(parent, new, parent, name)
    except OSError as error:
        _remove(parent, new)
        if error.errno != errno.EBUSY:
            # Not a mount. The owner of the directory may have taken the new file away, and put a
            # second link to another one here.
            raise
        _write(archive, member, os.open(name, _OVERWRITE, dir_fd=parent), before)


def _write(
    archive: tarfile.TarFile, member: tarfile.TarInfo, handle: int, before: HostFile
) -> None:
    with os.fdopen(handle, "wb") as target:
        content = archive.extractfile(member)
        if content is not None:
            shutil.copyfileobj(content, target, _CHUNK)
        target.flush()
        _put_properties(target.fileno(), before, member.mtime)


def _put_directory(parent: int, name: str, before: HostFile, modified_at: float) -> None:
    if not _is_directory(parent, name):
        _remove(parent, name)
        os.mkdir(name, 0o700, dir_fd=parent)
    handle = durable.open_directory(name, parent)
    try:
        _put_properties(handle, before, modified_at)
    finally:
        os.close(handle)


def _put_properties(handle: int, before: HostFile, modified_at: float) -> None:
    """The owner first: a change of it takes away the set-user-id bit."""
    os.fchown(handle, before.owner, before.group)
    os.fchmod(handle, before.mode)
    # Listed after that: a change of the owner also takes away the file's capabilities.
    present = set(os.listxattr(handle))
    for attribute in present - set(before.attributes):
        os.removexattr(handle, attribute)
    for attribute, value in before.attributes.items():
        if attribute not in present or os.getxattr(handle, attribute).hex() != value:
            os.setxattr(handle, attribute, bytes.fromhex(value))
    os.utime(handle, (modified_at, modified_at))


def _remove(parent: int, name: str) -> None:
    try:
        if _is_directory(parent, name):
            os.rmdir(name, dir_fd=parent)
        else:
            os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return


def _is_directory(parent: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _add(archive: tarfile.TarFile, path: str, file: HostFile) -> None:
    """Raises OSError."""
    with parent_of(path) as (parent, name):
        # Each hard link is a file of its own here: they are restored one by one.
        archive.inodes = {}  # type: ignore[attr-defined]
        member = archive.gettarinfo(through_handle(parent, name), _member_name(path))
        if file.kind == "other":
            return
        headers: dict[str, str] = {}
        for attribute, value in file.attributes.items():
            text = bytes.fromhex(value).decode("utf-8", "surrogateescape")
            headers[f"{_ATTRIBUTE}{attribute}"] = text
        member.pax_headers = headers
        if not member.isreg():
            archive.addfile(member)
            return
        with open_plain(name, parent) as stream:
            archive.addfile(member, stream)


def _member_name(path: str) -> str:
    return path.lstrip("/") or "."


def _host_file(kept: dict[str, object] | None) -> HostFile | None:
    if kept is None:
        return None
    return HostFile(**kept)  # type: ignore[arg-type]


def _write_json(path: Path, content: object) -> None:
    """ASCII: names that are not text have escapes, which JSON can hold."""
    with durable_directory(path.parent) as directory:
        durable.write(directory, path.name, json.dumps(content).encode("ascii"), replace=True)


@contextmanager
def durable_directory(path: Path) -> Iterator[int]:
    handle = durable.open_directory(path)
    try:
        yield handle
    finally:
        os.close(handle)
