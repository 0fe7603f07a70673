"""How a command of the receiver fails."""

from stages.runtime.exits import Exit


class ReceiverError(Exception):
    """A command cannot be carried out; the text is one line for the user."""

    def __init__(self, message: str, code: Exit = Exit.UNUSABLE) -> None:
        super().__init__(message)
        self.code = code
