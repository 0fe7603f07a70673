"""What differs between two states of the files, and the order in which that is undone. Pure."""

from collections.abc import Mapping, Sequence

from schemas.records import Struct
from stages.console.fixing.host_files import HostFile


class PathChange(Struct, frozen=True):
    """A path before and after; None where there was nothing."""

    path: str
    before: HostFile | None
    after: HostFile | None

    @property
    def became_directory(self) -> bool:
        """Whether something else was there before, and a directory is now."""
        if self.before is None or self.after is None:
            return False
        return self.after.kind == "directory" and self.before.kind != "directory"


def differences(before: Mapping[str, HostFile], after: Mapping[str, HostFile]) -> list[PathChange]:
    """The paths that differ, sorted."""
    return [
        PathChange(path, before.get(path), after.get(path))
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def undo_order(changes: Sequence[PathChange]) -> list[PathChange]:
    """Directories come before what is in them, and are emptied before they are removed or replaced.

    All else that is new goes last: a file that is always needed may have become a link to it.
    """
    replaced = tuple(f"{change.path}/" for change in changes if change.became_directory)
    emptied: list[PathChange] = []
    there: list[PathChange] = []
    new: list[PathChange] = []
    for change in changes:
        if change.before is not None:
            there.append(change)
        elif change.path.startswith(replaced):
            emptied.append(change)
        else:
            new.append(change)
    return [*reversed(emptied), *there, *reversed(new)]
