"""Where the object of a check looks on the file system, and whether that touches a path. Pure.

oscap leaves a path out with all that is below it, and, what it does not say, each directory above
as an item of its own: with `/var/lib/x` left out, a check of the mode of `/var` finds nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class SearchedPath:
    """A path in an object, by its text or by a variable."""

    operation: str
    text: str
    variable: str | None
    goes_down: bool
    """Also everything below is looked at."""
    takes_directories: bool
    """Directories themselves are looked at, and not only files in them."""

    def touches(self, left_out: str, values: Mapping[str, Sequence[str]]) -> bool:
        """Whether something that is left out with this path would be looked at. `values` are those
        of the variables."""
        texts: Sequence[str] = (self.text,)
        if self.variable is not None:
            texts = values.get(self.variable, ())
        return any(self._touches(text, left_out) for text in texts)

    def _touches(self, text: str, left_out: str) -> bool:
        above = [] if not (self.goes_down or self.takes_directories) else list(_above(left_out))
        if self.operation == "equals":
            path = text.rstrip("/") or "/"
            return path == left_out or path.startswith(f"{left_out}/") or path in above
        if self.operation == "pattern match":
            if may_match_below(text, left_out):
                return True
            return any(matches_path(text, directory) for directory in above)
        # The others (not equal, another case) can mean any path.
        return True


def searched_path(item: Element) -> SearchedPath | None:
    """The path of an object; None where it has none."""
    by_name = {local(child): child for child in item if isinstance(child.tag, str)}
    behaviors, filename = by_name.get("behaviors"), by_name.get("filename")
    path = by_name.get("path")
    if path is None:
        path = by_name.get("filepath")
    if path is None:
        return None
    goes_down = False
    if behaviors is not None:
        is_down = behaviors.get("recurse_direction") == "down"
        goes_down = is_down and behaviors.get("max_depth") != "0"
    is_nil = filename is not None and filename.get(_NIL) in _TRUE
    return SearchedPath(
        operation=path.get("operation", "equals"),
        text=path.text or "",
        variable=path.get("var_ref"),
        goes_down=goes_down,
        takes_directories=is_nil or local(path) == "filepath",
    )


def _above(path: str) -> Iterator[str]:
    """The directories above, `/` the last."""
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        yield path
