"""Reading the profiles of all installed content, beside calling oscap for each file.

    python benchmarks/discovery.py [DIRECTORY]

Both read the same files from a warm page cache; the agent's own cache is empty. The agent must be
at least 40 × faster, and find the same profiles. Debian's content: apt-get install ssg-base
ssg-debian ssg-debderived ssg-nondebian ssg-applications.
"""

import subprocess
import sys
import time
from pathlib import Path

from stages.scap.content_profiles import ProfileCache

ALLOWED = 40.0
MEGABYTE = 1024 * 1024


def asked(path: Path) -> list[str]:
    done = subprocess.run(
        ["oscap", "info", "--profiles", str(path)], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def main() -> int:
    where = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/xml/scap/ssg/content")
    files = sorted(where.glob("ssg-*-ds.xml"))
    size = sum(len(path.read_bytes()) for path in files)
    print(f"{len(files)} datastreams, {size / MEGABYTE:.0f} MB")
    began = time.perf_counter()
    cache = ProfileCache({})
    own = [
        [f"{profile.id}:{profile.title}" for profile in cache.get(path).profiles] for path in files
    ]
    own_s = time.perf_counter() - began
    began = time.perf_counter()
    theirs = [asked(path) for path in files]
    their_s = time.perf_counter() - began
    print(
        f"oscap info --profiles, file by file   {their_s:7.3f} s   {sum(map(len, theirs))} profiles"
    )
    print(f"read from the content                 {own_s:7.3f} s   {sum(map(len, own))} profiles")
    print(
        f"{their_s / own_s:.0f} × faster (limit {ALLOWED:.0f} ×); "
        f"the same profiles: {own == theirs}"
    )
    return 0 if own == theirs and their_s >= ALLOWED * own_s else 1


if __name__ == "__main__":
    sys.exit(main())
