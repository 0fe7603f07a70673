"""`verify` reads fixes and kept content, too."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.fixes import FixRun
from schemas.request import Reason
from spool.content_store import ContentStore
from spool.spool import Spool
from tests.console.program import agent
from tests.scanners.openscap.content_samples import stored

pytestmark = pytest.mark.slow

FIX = "20261123T060301Z-3f9c2a17"
NEWER = b"compliance-agent-spool 2 whatever comes after this\n\0\1"
AT = datetime(2026, 11, 23, 6, 3, 1, tzinfo=UTC)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """With one fix, and one content file of each place."""
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    spool.fixes.fixes.write(FIX, FixRun(at=AT, reason=Reason(source="operator", at=AT)))
    for place in ("added", "server"):
        stored(spool.root, place, f"<{place}/>".encode())
    for path in spool.root.glob("content/*/*"):
        path.chmod(0o750)
    return spool


def findings(config: Path, code: int) -> set[tuple[str, str]]:
    found = json.loads(agent("verify", "--json", config=config, code=code).stdout)
    return {(Path(finding["path"]).name, finding["kind"]) for finding in found}


def contents(spool: Spool) -> dict[str, Path]:
    return {path.parent.name: path for path in spool.root.glob("content/*/*")}


def test_whole_entries_are_not_findings(config: Path, spool: Spool) -> None:
    assert findings(config, 0) == set()


def test_those_of_a_later_version_are_named_and_no_advice_destroys_them(
    config: Path, spool: Spool
) -> None:
    kept = contents(spool)
    for path in kept.values():
        (path / "record").write_bytes(NEWER)
    (spool.fixes.path / f"{FIX}.fix").write_bytes(NEWER)
    (spool.fixes.path / f"{FIX}.undone").write_bytes(NEWER)
    expected = {(path.name, "newer") for path in kept.values()}
    expected |= {(f"{FIX}.fix", "newer"), (f"{FIX}.undone", "newer")}
    assert findings(config, 0) == expected
    status = json.loads(agent("status", "--json", config=config).stdout)
    assert set(status["newer"]) == {f"{FIX}.fix", f"{FIX}.undone"}
    for place in ("added", "server"):
        (problem,) = ContentStore(spool.root, place).problems()
        assert problem.endswith("install the newer version again"), "and not: remove it"


def test_damaged_ones_are_found_to_the_last_byte(config: Path, spool: Spool) -> None:
    kept = contents(spool)
    (kept["added"] / "ssg-debian12-ds.xml").write_bytes(b"<edded/>")
    (kept["server"] / "record").unlink()
    fix = spool.fixes.path / f"{FIX}.fix"
    fix.write_bytes(fix.read_bytes()[:-1])
    (spool.fixes.path / "README").touch()
    assert findings(config, 1) == {
        (kept["added"].name, "damaged"),
        (kept["server"].name, "damaged"),
        (fix.name, "damaged"),
        ("README", "foreign"),
    }
    (problem,) = ContentStore(spool.root, "server").problems()
    assert f"remove {kept['server']} (rm -r)" in problem
    status = json.loads(agent("status", "--json", config=config).stdout)
    assert set(status["damaged"]) == {fix.name}
