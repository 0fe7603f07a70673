r"""Regular expressions to what they say, as far as that can be said plainly. Pure.

`^\s*PASS_MAX_DAYS\s+(\d+)\s*$` says `PASS_MAX_DAYS`, then a value. Whatever can't be said plainly (look-around,
optional letters, nested repetition) is left to the caller to show as it is: never a guess.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(
    r"\((?:\?[a-zA-Z-]+\)|\?:|\?<\w+>|\?P<\w+>)?"  # a group, or flags
    r"|\\[pP]\{\w+\}|\\.|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]\\])*\]|[*+?]\??|\{\d*,?\d*\}\??|[\^$.|)]|[^\\]",
    re.DOTALL,
)
_SPACE = re.compile(r"\\[sh]|\[(?:\\[sht]| |\[:(?:space|blank):\])+\]| |\\t")
_CLASS = re.compile(r"\\[dDwWSNXRnr]")
_REPEATED = re.compile(r"[*+?]\??|\{\d*,?\d*\}\??")
_QUANTIFIER = re.compile(r"[*+?{]")
_ANY = "…"
_VALUE = "\0"
_OPEN = re.compile(rf"[ ]*{_ANY}[{_ANY} ]*")
_BLANKS = re.compile(r" +")
_WORD_OF_LETTERS = re.compile(r"[A-Za-z]")
_LETTER = re.compile(r"\w")
_ANY_CASE = re.compile(r"\(\?-?i\)")
_WORDS = re.compile(r"\^\(?(?:\?:)?([\w./:@ -]*(?:\|[\w./:@ -]+)*)\)?\$")
_MAX_LENGTH = 2000
_MAX_DEPTH = 20


@dataclass(frozen=True)
class Plain:
    """`text` has `…` for what may be anything; `name` is what comes before the value that is captured."""

    text: str
    name: str | None
    exact: bool
    """The text is all that it says: nothing before or after it is left open."""


class _NotPlainError(Exception):
    """There is more to this pattern than a plain text."""


@lru_cache(maxsize=1024)
def plain(pattern: str) -> Plain | None:
    """What the pattern says; None where it can't be said plainly."""
    if len(pattern) > _MAX_LENGTH:
        return None
    try:
        raw = _Plainer(_TOKEN.findall(pattern)).whole()
    except (_NotPlainError, IndexError):
        return None
    text = _OPEN.sub(f" {_ANY} ", raw)
    shown = _BLANKS.sub(" ", text.replace(_VALUE, _ANY)).strip(f" {_ANY}")
    return Plain(shown, _name(text), raw == shown) if _LETTER.search(shown) else None


def words(pattern: str) -> list[str] | None:
    """The alternatives of a pattern like `^(a|b)$`, or of `^(?i)a(?-i)$`; None for any other."""
    if len(pattern) > _MAX_LENGTH:
        return None
    pattern = _ANY_CASE.sub("", pattern)
    found = _WORDS.fullmatch(pattern.replace(r"\.", "."))
    if found is None or ("." in found[1] and "." in pattern.replace(r"\.", "")):
        return None
    return found[1].split("|")


def in_any_case(pattern: str) -> bool:
    """Whether letters in it stand for small and capital ones."""
    return "(?i)" in pattern and _WORD_OF_LETTERS.search(_ANY_CASE.sub("", pattern)) is not None


def _name(text: str) -> str | None:
    before, value, _ = text.partition(_VALUE)
    if not value:
        return None
    name = before.split(_ANY)[-1].strip(" =:\"'").lstrip("({[")
    return name if _LETTER.search(name) else None


class _Plainer:
    def __init__(self, pieces: list[str]) -> None:
        self._pieces = pieces
        self._at = 0

    def whole(self) -> str:
        options = self._options(0)
        if self._at < len(self._pieces) or len(options) > 1:
            raise _NotPlainError
        return options[0]

    def _options(self, depth: int) -> list[str]:
        """The alternatives up to the end of a group."""
        if depth > _MAX_DEPTH:
            raise _NotPlainError
        options = [""]
        while self._at < len(self._pieces) and self._pieces[self._at] != ")":
            piece = self._pieces[self._at]
            self._at += 1
            if piece == "|":
                options.append("")
            else:
                options[-1] += self._atom(piece, depth)
        return options

    def _atom(self, piece: str, depth: int) -> str:
        if piece in ("^", "$", r"\b", r"\A", r"\Z", r"\z"):
            return ""
        if piece.startswith("("):
            return self._group(piece, depth)
        if _QUANTIFIER.match(piece):
            raise _NotPlainError
        after_word = self._at > 1 and self._pieces[self._at - 2].isalnum()
        quantifier = self._quantifier()
        if _SPACE.fullmatch(piece):
            parts = after_word and (self._peek() in (r"\b", "-", r"\-") or self._peek().isalnum())
            return "" if quantifier.startswith(("*", "?")) and not parts else " "
        if piece == "." and not quantifier and self._between_words():
            return "."
        if piece == "." or piece.startswith("[") or _CLASS.fullmatch(piece):
            return _ANY
        return self._literal(piece, quantifier)

    def _literal(self, piece: str, quantifier: str) -> str:
        if quantifier.startswith(("*", "?")):
            return _ANY
        if quantifier and not quantifier.startswith("+"):
            raise _NotPlainError
        if len(piece) == 2:
            if piece[1].isalnum():
                raise _NotPlainError
            return piece[1]
        return piece

    def _group(self, piece: str, depth: int) -> str:
        if piece.startswith("(?") and piece.endswith(")"):
            return ""
        if piece == "(" and self._peek().startswith("?"):
            raise _NotPlainError
        options = self._options(depth + 1)
        if self._peek() != ")":
            raise _NotPlainError
        self._at += 1
        if self._quantifier():
            return _ANY
        if len(options) > 1:
            if "" in options:
                return _ANY
            merged = "(" + "|".join(option.strip() for option in options) + ")"
            return merged if _ANY not in merged else _ANY
        captured = piece == "(" and options[0].strip(_ANY) == "" and options[0] != ""
        return _VALUE if captured else options[0]

    def _between_words(self) -> bool:
        """A dot that was meant as one, though it is not escaped."""
        before = self._pieces[self._at - 2] if self._at > 1 else ""
        return before.isalnum() and self._peek().isalnum()

    def _peek(self) -> str:
        return self._pieces[self._at] if self._at < len(self._pieces) else ""

    def _quantifier(self) -> str:
        piece = self._peek()
        if len(piece) <= 12 and _REPEATED.fullmatch(piece):
            self._at += 1
            return piece
        return ""
