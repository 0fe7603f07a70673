"""What a command works with."""

from pathlib import Path

from schemas.records import Struct
from schemas.settings import Settings
from spool.spool import Spool
from stages.runtime.command_error import CommandError


class Context(Struct, frozen=True):
    """Settings, spool and the kind of output."""

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
        spool = self.spool
        if spool.root.is_dir():
            return spool
        if spool.root.exists():
            raise CommandError(
                f"{spool.root}: not a directory: move it away, or set another spool.path"
            )
        raise CommandError(
            f"{spool.root}: there is no spool yet: start the stages "
            "(compliance-agent run), request a scan, or give other settings with --config"
        )
