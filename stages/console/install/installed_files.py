"""The files of an installation, as texts."""

from pathlib import Path

from stages.console.install import environment
from stages.console.install.completion import bash_completion
from stages.console.install.fish_completion import fish_completion
from stages.console.install.install_paths import (
    EXAMPLE,
    LOCAL_UNITS,
    REMEDIATE_UNITS,
    SCRIPT_CHECKS,
    SYSUSERS,
    TMPFILES,
    UNIT_HOME,
    UNITS,
    InstallPaths,
)
from stages.console.install.manpage import man_page
from stages.console.install.zsh_completion import zsh_completion
from stages.runtime.version import AGENT_VERSION


def texts(layout: InstallPaths) -> dict[Path, str]:
    """Every file outside the environment, by its path on the host."""
    # Imported here: the parser belongs to the program, which imports its commands one by one.
    from stages.console.command_parsers import parser

    whole = parser()
    return {
        **{layout.units / name: _unit(name, layout.home) for name in UNITS},
        layout.sysusers: _shipped(f"systemd/{SYSUSERS}"),
        layout.tmpfiles: _shipped(f"systemd/{TMPFILES}"),
        layout.man_page: man_page(whole, AGENT_VERSION),
        layout.completion: bash_completion(whole),
        layout.zsh_completion: zsh_completion(whole),
        layout.fish_completion: fish_completion(whole),
        layout.example: _shipped(EXAMPLE),
    }


def script_checks() -> str:
    """The drop-in of the scan unit with the capabilities that checks by script need."""
    return _shipped(f"systemd/{SCRIPT_CHECKS}")


def remediation_units(home: Path) -> dict[Path, str]:
    """The units that fix what the server wants fixed, by their path; beside the package too."""
    return {LOCAL_UNITS / name: _unit(name, home) for name in REMEDIATE_UNITS}


def _unit(name: str, home: Path) -> str:
    return _shipped(f"systemd/{name}").replace(str(UNIT_HOME), str(home))


def _shipped(name: str) -> str:
    return environment.shipped(name).read_text(encoding="utf-8")
