"""The settings of OpenSCAP: the section `compliance.openscap`."""

from collections.abc import Iterator
from typing import Annotated, Literal

from schemas.codec import replace
from schemas.planned_scan import ConfiguredScan, ConfiguredScans, PlannedScan
from schemas.records import Meta
from schemas.settings import ScannerSettings
from schemas.values import (
    AbsolutePath,
    ContentName,
    Megabytes,
    ProfileText,
    ProfileTexts,
    TimeLimit,
)

OscapPath = Annotated[
    str,
    Meta(
        pattern=r"^(/(?!\.{1,2}(/|$))[^/:\x00-\x1f]+)+$(?!\n)",
        max_length=4096,
        description=(
            "an absolute path other than /, without a colon, . and .., and without a slash at its "
            "end"
        ),
    ),
]
MemoryRatio = Annotated[float, Meta(gt=0, le=1)]
ItemCount = Annotated[int, Meta(ge=1)]
CONTAINERS_AND_SNAPSHOTS = (
    *("/var/lib/docker/overlay2", "/var/lib/docker/fuse-overlayfs", "/var/lib/docker/btrfs"),
    *("/var/lib/docker/zfs", "/var/lib/docker/vfs", "/var/lib/docker/rootfs"),
    *("/var/lib/containers/storage/overlay", "/var/lib/containers/storage/btrfs"),
    *("/var/lib/containers/storage/zfs", "/var/lib/containers/storage/vfs"),
    "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs",
    "/var/lib/containerd/io.containerd.snapshotter.v1.native",
    "/run/containerd/io.containerd.runtime.v2.task",
    *("/.snapshots", "/home/.snapshots", "/timeshift/snapshots"),
)
"""The layers of docker's, podman's and containerd's containers, and snapshots of file systems. All
lie in directories of root: a user's own could hide files from a check."""


class OpenSCAPSettings(ScannerSettings, frozen=True, kw_only=True):
    """The OpenSCAP scanner."""

    profile: ProfileText | ProfileTexts = "auto"
    """Full id, the part after `_profile_`, or title; of a list the first that the content has.
    `auto` takes a level 1 server profile of CIS, else cis, standard or the first."""
    scans: ConfiguredScans = ()
    """Several scans in place of `profile` and `schedule`, each with its own."""
    content: ContentName | None = None
    """A content file, or a channel of the Ubuntu Security Guide (`ubuntu2404_CIS_1`), to use
    instead of what is found for this host."""
    tailoring: AbsolutePath | None = None
    """An XCCDF tailoring file. With `profile: auto` its first profile is scanned with."""
    content_fallback: Literal["baseline", "none"] = "baseline"
    """With `profile: auto`, where no installed content is made for this release: scan with the
    built-in baseline for any Linux, or not at all."""
    content_from_server: Literal["never", "missing", "newer"] = "never"
    """Whether content is fetched from the server: where nothing that is installed is made for this
    release, or also where the server's is newer."""
    content_dirs: tuple[AbsolutePath, ...] = (
        "/usr/share/xml/scap/ssg/content",
        "/usr/share/scap-security-guide",
        "/opt/scap/content",
        "/usr/share/usg-benchmarks",
        "/usr/share/ubuntu-scap-security-guides/current/benchmarks",
    )
    """Directories in which content is searched, in this order; the Ubuntu Security Guide comes
    before all others."""
    time_limit_s: TimeLimit = 3600
    """Seconds after which a scan is ended and counts as failed."""
    output_limit_mib: Megabytes = 1024
    """MiB that one scan may write; more ends it."""
    fetch_remote_resources: bool = False
    """Where the server requests it, let oscap fetch parts of the content from other hosts; the scan
    unit needs network access for that."""
    memory_ratio: MemoryRatio = 0.25
    """Share of this host's memory above which oscap stops collecting items for a check. What it
    keeps is written out at the end of the scan, which takes as much again."""
    max_collected_items: ItemCount | None = None
    """Items after which oscap stops collecting for one check. Default: no limit."""
    ignore_paths: tuple[OscapPath, ...] = CONTAINERS_AND_SNAPSHOTS
    """Directories and files in which checks of files do not look; of these those that this host
    has."""
    include_notselected: bool = False
    """Report the rules that the profile does not select, as not applicable."""

    @property
    def planned_scans(self) -> tuple[PlannedScan, ...]:
        if not self.scans:
            return (
                PlannedScan(
                    schedule=self.schedule,
                    profile=self.profile,
                    tailoring=self.tailoring,
                    content=self.content,
                ),
            )
        return tuple(self._planned(number, scan) for number, scan in enumerate(self.scans))

    def _planned(self, number: int, scan: ConfiguredScan) -> PlannedScan:
        """An entry of the list, which has tailoring and content of the section where it has none
        of its own."""
        key = f"scans[{number}]"
        planned = PlannedScan(
            key=key,
            schedule=scan.schedule,
            profile=scan.profile,
            tailoring=self.tailoring,
            content=self.content,
        )
        if scan.tailoring is not None:
            planned = replace(planned, tailoring=scan.tailoring, tailoring_key=f"{key}.tailoring")
        if scan.content is not None:
            planned = replace(planned, content=scan.content, content_key=f"{key}.content")
        return planned

    def for_scan(self, planned: PlannedScan) -> "OpenSCAPSettings":
        """The section as it would be for this scan alone."""
        return replace(
            self,
            scans=(),
            schedule=planned.schedule,
            profile=planned.profile or self.profile,
            tailoring=planned.tailoring,
            content=planned.content,
        )

    def conflicts(self) -> Iterator[tuple[str, str]]:
        if not self.scans:
            return
        if self.profile != OpenSCAPSettings().profile:
            yield "profile", "can't be set beside scans: move it into an entry of scans"
        if self.schedule is not None:
            yield "schedule", "can't be set beside scans: move it into an entry of scans"
        known: dict[tuple[object, ...], PlannedScan] = {}
        for planned in self.planned_scans:
            if planned.profile is None:
                # An entry that has a problem of its own.
                continue
            first = known.setdefault(planned.target, planned)
            if first is not planned:
                yield (
                    planned.key,
                    f"the same profile, tailoring and content as {first.key}: remove one of them",
                )
