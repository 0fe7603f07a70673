"""Where the parts of an installed agent lie. Pure."""

from pathlib import Path

from schemas.records import Struct

TARGET = "compliance-agent.target"
SERVICES = tuple(
    f"compliance-agent-{stage}.service" for stage in ("trigger", "scan", "parse", "ship")
)
SCAN_SERVICE = "compliance-agent-scan.service"
CONFIG_PATH = "compliance-agent-config.path"
"""Starts failed services when the settings or the API key have changed."""
RETRY_TIMER = "compliance-agent-retry.timer"
"""Starts failed services again and again, until all run."""
RETRY_SERVICE = "compliance-agent-retry.service"
UNITS = (TARGET, *SERVICES, CONFIG_PATH, RETRY_TIMER, RETRY_SERVICE)
SYSUSERS = "compliance-agent.sysusers.conf"
TMPFILES = "compliance-agent.tmpfiles.conf"
EXAMPLE = "config.example.yml"
SCRIPT_CHECKS = "compliance-agent-scan.script-checks.conf"
REMEDIATE_PATH = "compliance-agent-remediate.path"
"""Starts the service that carries out the server's requests for fixes."""
REMEDIATE_SERVICE = "compliance-agent-remediate.service"
REMEDIATE_UNITS = (REMEDIATE_PATH, REMEDIATE_SERVICE)
"""Installed only where that is wanted."""
_SYSTEMD_FILES = (*UNITS, *REMEDIATE_UNITS, SYSUSERS, TMPFILES, SCRIPT_CHECKS)
SHIPPED = (EXAMPLE, *(f"systemd/{name}" for name in _SYSTEMD_FILES))
"""What comes with the program, beside its packages."""

CONFIG = Path("/etc/compliance-agent/config.yml")
KEY = Path("/etc/compliance-agent/api-key")
STATE = Path("/var/lib/compliance-agent")
SPOOL = STATE / "spool"
RUNTIME = Path("/run/compliance-agent")

SCRIPT_CHECKS_PATH = Path("/etc/systemd/system/compliance-agent-scan.service.d/script-checks.conf")
"""Lets checks by script do what they need; also beside the distribution's package."""

LOCAL_UNITS = Path("/etc/systemd/system")

UNIT_HOME = Path("/usr/local/lib/compliance-agent")
"""The environment's place as the units of the source tree name it."""
PACKAGED_HOME = Path("/usr/lib/compliance-agent")
PACKAGED_UNITS = Path("/usr/lib/systemd/system")


class InstallPaths(Struct, frozen=True):
    """Absolute paths on the host that the agent runs on."""

    home: Path
    """The virtual environment: the program, all that it needs, and nothing else."""
    command: Path
    units: Path
    sysusers: Path
    tmpfiles: Path
    man_page: Path
    completion: Path
    """For bash."""
    zsh_completion: Path
    fish_completion: Path
    example: Path

    def files(self) -> tuple[Path, ...]:
        """Every file and link outside `home`."""
        return (
            self.command,
            *(self.units / unit for unit in UNITS),
            self.sysusers,
            self.tmpfiles,
            self.man_page,
            self.completion,
            self.zsh_completion,
            self.fish_completion,
            self.example,
        )


def local(prefix: Path) -> InstallPaths:
    """Installed by `install`: the program below `prefix`, systemd's files in /etc."""
    return InstallPaths(
        home=prefix / "lib/compliance-agent",
        command=prefix / "bin/compliance-agent",
        units=LOCAL_UNITS,
        sysusers=Path("/etc/sysusers.d/compliance-agent.conf"),
        tmpfiles=Path("/etc/tmpfiles.d/compliance-agent.conf"),
        man_page=prefix / "share/man/man1/compliance-agent.1",
        completion=prefix / "share/bash-completion/completions/compliance-agent",
        zsh_completion=prefix / "share/zsh/site-functions/_compliance-agent",
        fish_completion=prefix / "share/fish/vendor_completions.d/compliance-agent.fish",
        example=Path("/etc/compliance-agent/config.example.yml"),
    )


def packaged(packager: str) -> InstallPaths:
    """Installed by the distribution's package, a `deb` or an `rpm`."""
    zsh = Path("/usr/share/zsh/site-functions/_compliance-agent")
    if packager == "deb":
        zsh = Path("/usr/share/zsh/vendor-completions/_compliance-agent")
    return InstallPaths(
        home=PACKAGED_HOME,
        command=Path("/usr/bin/compliance-agent"),
        units=PACKAGED_UNITS,
        sysusers=Path("/usr/lib/sysusers.d/compliance-agent.conf"),
        tmpfiles=Path("/usr/lib/tmpfiles.d/compliance-agent.conf"),
        man_page=Path("/usr/share/man/man1/compliance-agent.1"),
        completion=Path("/usr/share/bash-completion/completions/compliance-agent"),
        zsh_completion=zsh,
        fish_completion=Path("/usr/share/fish/vendor_completions.d/compliance-agent.fish"),
        example=Path("/usr/share/doc/compliance-agent/examples/config.yml"),
    )
