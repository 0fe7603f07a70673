"""The settings of Docker Bench: the section `compliance.docker_bench`."""

from typing import Annotated, Literal

from schemas.records import Meta
from schemas.settings import ScannerSettings
from schemas.values import AbsolutePath, Megabytes, TimeLimit

# Refuses what a scanner could mistake for an option, a list or a shell pattern.
# `$(?!\n)`: `$` alone also matches before a line's end.
CheckName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.]{0,63}$(?!\n)",
        description="the name of a check, like container_images or check_4_1",
    ),
]
UserName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,31}$(?!\n)",
        description="the name of a user, like root",
    ),
]
NamePattern = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_.][A-Za-z0-9_./:-]{0,127}$(?!\n)",
        description="a part of a name, of letters, digits and _ . / : -",
    ),
]
ImageName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}$(?!\n)",
        description="the name of an image, like jauderho/docker-bench-security",
    ),
]
SocketPath = Annotated[
    str,
    Meta(
        pattern=r"^/[A-Za-z0-9._/@+-]{1,107}$(?!\n)",
        description="an absolute path of at most 108 plain characters",
    ),
]
DEFAULT_IMAGE = "jauderho/docker-bench-security"
"""A maintained build. The project's own on Docker Hub is an old one, whose client current daemons
refuse."""


class DockerBenchSettings(ScannerSettings, frozen=True, kw_only=True):
    """The Docker Bench scanner."""

    enabled: bool | Literal["auto"] = "auto"
    """`auto`: where a Docker daemon is."""
    method: Literal["auto", "container", "script"] = "auto"
    """`auto`: the container where its image is present, else the script where there is one, else
    the container."""
    image: ImageName = DEFAULT_IMAGE
    """The image, by name, tag or digest."""
    pull: Literal["missing", "always", "never"] = "missing"
    """When the image is pulled. A pull that fails does no harm where the image is present."""
    pull_time_limit_s: TimeLimit = 300
    """Seconds after which a pull is ended and counts as failed."""
    script_paths: tuple[AbsolutePath, ...] = (
        "/opt/docker-bench-security/docker-bench-security.sh",
        "/usr/local/share/docker-bench-security/docker-bench-security.sh",
    )
    """Where the script is looked for, before PATH."""
    socket: SocketPath = "/var/run/docker.sock"
    """The Docker daemon's socket."""
    checks: tuple[CheckName, ...] = ()
    """Only these checks (-c). Default: all."""
    exclude_checks: tuple[CheckName, ...] = ()
    """All but these checks (-e)."""
    trusted_users: tuple[UserName, ...] = ()
    """Users that may control the daemon (-u)."""
    include: tuple[NamePattern, ...] = ()
    """Only containers and images whose name holds one of these (-i)."""
    exclude: tuple[NamePattern, ...] = ()
    """All but containers and images whose name holds one of these (-x)."""
    time_limit_s: TimeLimit = 1800
    """Seconds after which a scan is ended and counts as failed."""
    output_limit_mib: Megabytes = 64
    """MiB that one scan may write; more ends it."""
