"""Content of the server on a booted system: fetched and checked under the real units, scanned with.

The workers that fetch and check run in the sandbox and the memory limit of the trigger unit; the
scan stage, which has no network, unpacks what they kept.
"""

import json
import lzma
from pathlib import Path

import pytest

from receiver import Policy, Receiver
from tests.booted.host import SPOOL, Host
from tests.scanners.openscap.content_samples import SCE, datastream, real_content

pytestmark = [
    pytest.mark.booted,
    pytest.mark.docker,
    pytest.mark.xdist_group("booted"),
    pytest.mark.timeout(900),
]
TRIGGER = "compliance-agent-trigger.service"


def product_of(host: Host) -> str:
    return host.shell('. /etc/os-release; echo "$ID$VERSION_ID"').strip()


def offer(directory: Path, file: str, version: str, content: bytes) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "version").write_text(version)
    (directory / file).write_bytes(content)


def configure(host: Host, server: Receiver) -> None:
    openscap = {"content_from_server": "missing", "profile": ["standard", "linux_standard"]}
    host.configure(server, compliance={"openscap": openscap})


def used_content(host: Host) -> dict[str, str | None]:
    listed = json.loads(host.agent("content", "--json"))["content"]
    (used,) = [entry for entry in listed if entry["used"]]
    return dict(used)


def test_the_host_fetches_content_and_scans_with_it(
    host: Host, gateway: str, tmp_path: Path
) -> None:
    product = product_of(host)
    file = f"ssg-{product}-ds.xml"
    served = tmp_path / "served"
    offer(served, file, "0.1.80", real_content(product, "0.1.80"))
    policy = Policy(posts_per_minute=10_000, content=served)
    with Receiver(policy, host=gateway) as server:
        configure(host, server)
        fetched = host.agent("content", "fetch")
        assert f"{file} 0.1.80 fetched and checked" in fetched
        assert used_content(host)["source"] == "server"
        assert host.run("stat", "--format=%U", f"{SPOOL}/content/server").strip() == (
            "compliance-trigger"
        )
        scan_id = host.request_scan()
        host.until(lambda: host.received(scan_id), "the scan is answered")
        assert host.outcome(scan_id) == ("completed", "accepted")
        content = json.loads(host.agent("show", scan_id, "--json", code=None))["report"]["content"]
        assert (content["source"], content["fit"], content["version"]) == (
            "server",
            "exact",
            "0.1.80",
        )
        assert content["path"].endswith(file)
        assert content["origin"] == f"from the server {server.url}"
        # What must not come from a server is refused, and what was kept stays in use.
        offer(served, file, "0.1.81", datastream(product, "0.1.81", system=SCE))
        refused = host.agent("content", "fetch", code=1)
        assert "has checks that are scripts" in refused
        assert used_content(host)["version"] == "0.1.80"


def test_the_limits_of_the_unit_allow_content_of_full_size(
    host: Host, gateway: str, tmp_path: Path, captures: Path
) -> None:
    product = product_of(host)
    if product != "debian12":
        pytest.skip("the captured content is for Debian 12")
    file = f"ssg-{product}-ds.xml"
    served = tmp_path / "served"
    whole = lzma.decompress((captures / f"{file}.xz").read_bytes())
    offer(served, file, "0.1.76", whole)
    policy = Policy(posts_per_minute=10_000, content=served)
    with Receiver(policy, host=gateway) as server:
        configure(host, server)
        assert f"{file} 0.1.76 fetched and checked" in host.agent("content", "fetch")
        assert used_content(host)["version"] == "0.1.76"
        assert host.run("systemctl", "show", "--property=NRestarts", "--value", TRIGGER) == "0\n"
