"""What a command works with, and how it fails."""

from dataclasses import dataclass
from pathlib import Path

from schemas.settings import Settings
from spool.spool import Spool
from stages.runtime.exits import Exit


class CommandError(Exception):
    """A command can't do what it was asked; the text is one line for the operator."""

    def __init__(self, message: str, code: Exit = Exit.UNUSABLE) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Context:
    """Settings, spool and the way to speak."""

    settings: Settings
    config: Path | None
    json: bool

    @property
    def spool(self) -> Spool:
        return Spool(Path(self.settings.spool.path))

    @property
    def runtime(self) -> Path:
        return Path(self.settings.runtime_dir)

    def existing_spool(self) -> Spool:
        """The spool, for reading. Raises CommandError where there is none."""
        if self.spool.root.exists() and not self.spool.root.is_dir():
            raise CommandError(
                f"{self.spool.root}: is no directory: move it away, or name another spool.path"
            )
        if not self.spool.root.is_dir():
            raise CommandError(
                f"{self.spool.root}: no spool there yet: start the stages (compliance-agent run), "
                "ask for a scan, or name other settings by --config"
            )
        return self.spool
