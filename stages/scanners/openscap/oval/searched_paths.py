"""Where the object of a check searches the file system, and whether it would search a path. Pure.

oscap leaves out a path with everything below it. It also leaves out, which is not documented, each
directory above as an item: with `/var/lib/x` left out, a check of the mode of `/var` finds nothing.
"""

from collections.abc import Iterator, Mapping, Sequence

from schemas.records import Struct
from stages.scanners.openscap.oval.path_patterns import matches_path, may_match_below
from stages.scap.xml_records import Element, local

SEARCHING = frozenset(
    f"{name}_object"
    for name in (
        *("file", "fileextendedattribute", "filehash", "filehash58", "symlink"),
        *("textfilecontent", "textfilecontent54", "xmlfilecontent", "yamlfilecontent"),
    )
)
"""The objects whose probes know paths to leave out."""
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
            above = list(_above(left_out))
        if self.operation == "equals":
            path = text.rstrip("/") or "/"
            is_left_out = f"{path}/".startswith(f"{left_out}/")
            return is_left_out or path in above
        if self.operation == "pattern match":
            is_above = any(matches_path(text, directory) for directory in above)
            return is_above or may_match_below(text, left_out)
        # Other operations (not equal, case insensitive) may mean any path.
        return True


def searched_path(item: Element) -> SearchedPath | None:
    """The path of an object; None where it has none."""
    path = item.find("{*}path")
    if path is None:
        path = item.find("{*}filepath")
    if path is None:
        return None
    return SearchedPath(
        operation=path.get("operation", "equals"),
        text=path.text or "",
        variable=path.get("var_ref"),
        goes_down=_goes_down(item),
        takes_directories=local(path) == "filepath" or _has_nil_name(item),
    )


def _goes_down(item: Element) -> bool:
    behaviors = item.find("{*}behaviors")
    if behaviors is None or behaviors.get("max_depth") == "0":
        return False
    return behaviors.get("recurse_direction") == "down"


def _has_nil_name(item: Element) -> bool:
    """Whether no name of a file is given: then directories are meant."""
    filename = item.find("{*}filename")
    return filename is not None and filename.get(_NIL) in _TRUE


def _above(path: str) -> Iterator[str]:
    """The directories above, `/` the last."""
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        yield path
