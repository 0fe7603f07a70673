"""Where the object of a check searches the file system, and whether it would search a path. Pure.

oscap leaves out a path with everything below it. It also leaves out, which is not documented, each
directory above as an item: with `/var/lib/x` left out, a check of the mode of `/var` finds nothing.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from schemas.records import Struct
from stages.scanners.openscap.oval.path_patterns import matches_path, may_match_below
from stages.scap.xml_elements import Element, local, text_of

SEARCHING = frozenset(
    f"{name}_object"
    for name in (
        *("file", "fileextendedattribute", "filehash", "filehash58", "symlink"),
        *("textfilecontent", "textfilecontent54", "xmlfilecontent", "yamlfilecontent"),
    )
)
"""The objects whose probes know paths to leave out."""
_GOES_DOWN = "{*}behaviors[@recurse_direction='down']"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_TRUE = ("true", "1")


class SearchedPath(Struct, frozen=True):
    """A path in an object, by its text or by a variable."""

    operation: str
    text: str
    variable: str | None
    goes_down: bool
    """Everything below is searched, too."""
    takes_directories: bool
    """Directories themselves are items, and not only the files in them."""

    def touches(self, left_out: str, values: Mapping[str, Sequence[str]]) -> bool:
        """Whether the object would search anything that is left out with this path.

        `values` are those of the variables.
        """
        texts: Sequence[str] = (self.text,)
        if self.variable is not None:
            texts = values.get(self.variable, ())
        return any(self._touches(text, left_out) for text in texts)

    def _touches(self, text: str, left_out: str) -> bool:
        above: list[str] = []
        if self.goes_down or self.takes_directories:
            above = list(map(str, PurePosixPath(left_out).parents))
        if self.operation == "equals":
            path = PurePosixPath(text)
            return path.is_relative_to(left_out) or str(path) in above
        if self.operation == "pattern match":
            is_above = any(matches_path(text, directory) for directory in above)
            return is_above or may_match_below(text, left_out)
        # Other operations (not equal, case insensitive) may mean any path.
        return True


def searched_path(item: Element) -> SearchedPath | None:
    """The path of an object; None where it has none."""
    path = next(item.iterchildren("{*}path", "{*}filepath"), None)
    if path is None:
        return None
    return SearchedPath(
        operation=path.get("operation", "equals"),
        text=text_of(path),
        variable=path.get("var_ref"),
        goes_down=item.find(_GOES_DOWN) is not None,
        takes_directories=local(path) == "filepath" or _has_nil_name(item),
    )


def _has_nil_name(item: Element) -> bool:
    """Whether no name of a file is given: then directories are meant."""
    filename = item.find("{*}filename")
    return filename is not None and filename.get(_NIL) in _TRUE
