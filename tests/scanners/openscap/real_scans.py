"""Scans of this host by the real scanner."""

import lzma
import re
import subprocess
from pathlib import Path

import stages.scanners.openscap.content

CONTENT = Path(stages.scanners.openscap.content.__file__).parent
SLOW = (
    # These search the whole file system.
    "dir_perms_world_writable_root_owned",
    "dir_perms_world_writable_sticky_bits",
    "file_permissions_unauthorized_world_writable",
    "file_permissions_unauthorized_suid",
    "file_permissions_unauthorized_sgid",
    "file_permissions_ungroupowned",
    "no_files_unowned_by_user",
)


def scan(content: Path, profile: str, where: Path, *more: str) -> str:
    """Runs oscap; leaves r.xml, arf.xml and report.html, returns what it printed."""
    command = ["oscap", "xccdf", "eval", "--profile", profile, *more]
    command += [
        "--results",
        "r.xml",
        "--results-arf",
        "arf.xml",
        "--report",
        "report.html",
        str(content),
    ]
    done = subprocess.run(command, cwd=where, capture_output=True, timeout=250, check=False)
    assert done.returncode in (0, 2), done.stderr
    return done.stdout.decode()


def debian_content(captures: Path, where: Path) -> Path:
    """The captured content made for this system, unpacked."""
    content = where / "ds.xml"
    content.write_bytes(lzma.decompress((captures / "ssg-debian12-ds.xml.xz").read_bytes()))
    return content


def quick(rules: tuple[str, ...] = SLOW) -> list[str]:
    return [f"--skip-rule=xccdf_org.ssgproject.content_rule_{name}" for name in rules]


def own_profile() -> str:
    text = (CONTENT / "compliance-agent-linux-ds.xml").read_text()
    found = re.search(r'Profile\s+id="([^"]+)"', text)
    assert found
    return found[1]
