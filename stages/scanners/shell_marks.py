"""Which characters of a bash script are code, which are expanded text, and which are literal. Pure.

bash takes `$name` as a variable in code, in double quotes and in a here-document whose delimiter is
not quoted. It is plain text in single quotes, in a comment, after a backslash, and in a
here-document with a quoted delimiter:

    echo "$a" '$b' \\$c # $d        a is a variable, b, c and d are not
    cat << 'EOF'
    $e
    EOF

One pass over the text, with a stack of what the current character is in: `$(…)` in double quotes is
code again, with quotes of its own.
"""

import re

from schemas.records import Struct, field

LITERAL = "\x01"
"""Stands for each character that bash does not interpret."""
_LITERAL = re.compile(r"[^\n]")
_HERE_DOCUMENT = re.compile(
    r"(?<!<)<<(?P<tabs>-?)[ \t]*(?P<delimiter>\\?[\w.-]+|'[^'\n]+'|\"[^\"\n]+\")"
)
_ESCAPED_TO_QUOTE = re.compile(r"(?:[^'\\]|\\.)*'", re.DOTALL)
_BEFORE_COMMENT = " \t\n;&|("
_ENDS = {"`": "`", "$(": ")", "${": "}"}


class _Document(Struct):
    """A here-document that begins at the next line."""

    delimiter: str
    is_literal: bool
    strips_tabs: bool


class MarkedScript(Struct, frozen=True):
    """A script twice, with the same length: what bash does not interpret is replaced."""

    code: str
    """Without quoted text; line breaks are kept."""
    expanded: str
    """With the text in which variables are expanded."""


class _Marks(Struct):
    text: str
    at: int = 0
    code: list[str] = field(default_factory=list)
    expanded: list[str] = field(default_factory=list)
    contexts: list[str] = field(default_factory=lambda: [""])
    """The ends of what is open: `"` for quoted text, `)`, `` ` `` and `}`; first the script."""
    documents: list[_Document] = field(default_factory=list)

    def is_next(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def open(self, end: str, length: int, *, is_code: bool = True) -> None:
        """Take the characters that open a context, which `end` closes."""
        self.contexts.append(end)
        self.take(length, is_code=is_code)

    def literal(self, end: int) -> None:
        marked = _LITERAL.sub(LITERAL, self.text[self.at : end])
        self.code.append(marked)
        self.expanded.append(marked)
        self.at = end

    def take(self, length: int, *, is_code: bool) -> None:
        taken = self.text[self.at : self.at + length]
        self.expanded.append(taken)
        if not is_code:
            taken = _LITERAL.sub(LITERAL, taken)
        self.code.append(taken)
        self.at += length


def marked(script: str) -> MarkedScript:
    marks = _Marks(script)
    while marks.at < len(script):
        _step(marks)
    return MarkedScript("".join(marks.code), "".join(marks.expanded))


def _step(marks: _Marks) -> None:
    """Mark the next character, or a whole piece of literal text."""
    context = marks.contexts[-1]
    if marks.is_next("\\"):
        marks.literal(marks.at + 2)
    # Before what could begin here: the second backtick of a pair would open another one.
    elif context and marks.is_next(context):
        marks.contexts.pop()
        marks.take(1, is_code=context != '"')
    elif _open_expansion(marks):
        return
    elif context == '"':
        marks.take(1, is_code=False)
    else:
        _in_code(marks, context)


def _open_expansion(marks: _Marks) -> bool:
    """Open the command or the parameter expansion that begins here; False where none does."""
    for beginning, end in _ENDS.items():
        if marks.is_next(beginning):
            marks.open(end, len(beginning), is_code=beginning != "${")
            return True
    return False


def _in_code(marks: _Marks, context: str) -> None:
    end = _end_of_literal(marks, context)
    if end is not None:
        marks.literal(end)
    elif marks.is_next('"'):
        marks.open('"', 1)
    elif marks.is_next("(") and context == ")":
        # A bracket within `$(…)` has an end of its own.
        marks.open(")", 1)
    elif marks.is_next("\n"):
        marks.take(1, is_code=True)
        _take_documents(marks)
    else:
        _note_document(marks)
        marks.take(1, is_code=context != "}")


def _end_of_literal(marks: _Marks, context: str) -> int | None:
    """Where the single quotes or the comment that begin here end; None where neither begins."""
    if marks.is_next("$'"):
        return _end_of_escaped_quote(marks.text, marks.at + 2)
    if marks.is_next("'") and not _is_in_quotes(marks):
        return _after(marks.text, "'", marks.at + 1)
    if marks.is_next("#") and context != "}" and _begins_comment(marks):
        return _end_of_line(marks.text, marks.at)
    return None


def _is_in_quotes(marks: _Marks) -> bool:
    """Within `"${…}"` a single quote is a character like any other."""
    return marks.contexts[-2:] == ['"', "}"]


def _begins_comment(marks: _Marks) -> bool:
    return marks.at == 0 or marks.text[marks.at - 1] in _BEFORE_COMMENT


def _note_document(marks: _Marks) -> None:
    """Note the here-document that begins here, if one does: `<<`, but not `<<<`."""
    found = _HERE_DOCUMENT.match(marks.text, marks.at)
    if found is None:
        return
    delimiter = found["delimiter"]
    bare = delimiter.strip("\\'\"")
    marks.documents.append(_Document(bare, bare != delimiter, bool(found["tabs"])))


def _take_documents(marks: _Marks) -> None:
    """Mark the here-documents whose text begins at this line."""
    documents, marks.documents = marks.documents, []
    for document in documents:
        while marks.at < len(marks.text):
            end = _end_of_line(marks.text, marks.at)
            line = marks.text[marks.at : end]
            if document.strips_tabs:
                line = line.lstrip("\t")
            _take_line(marks, end, is_literal=document.is_literal or line == document.delimiter)
            if line == document.delimiter:
                break


def _take_line(marks: _Marks, end: int, *, is_literal: bool) -> None:
    if is_literal:
        marks.literal(min(end + 1, len(marks.text)))
        return
    while marks.at < end:
        if marks.is_next("\\"):
            marks.literal(marks.at + 2)
        else:
            marks.take(1, is_code=False)
    if marks.at == end:
        marks.take(1, is_code=True)


def _end_of_line(text: str, start: int) -> int:
    return _index(text, "\n", start)


def _after(text: str, char: str, start: int) -> int:
    return min(_index(text, char, start) + 1, len(text))


def _index(text: str, char: str, start: int) -> int:
    found = text.find(char, start)
    if found < 0:
        return len(text)
    return found


def _end_of_escaped_quote(text: str, start: int) -> int:
    found = _ESCAPED_TO_QUOTE.match(text, start)
    if found is None:
        return len(text)
    return found.end()
