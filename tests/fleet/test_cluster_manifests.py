"""The units and the manifest that start Dask for an archive: what they name exists and fits."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

PLACE = Path(__file__).parents[2] / "contrib/fleet"
UNITS = sorted(PLACE.glob("*.service"))


@pytest.fixture(scope="module")
def manifest() -> dict[tuple[str, str], Any]:
    """The Kubernetes objects, by kind and name."""
    objects = yaml.safe_load_all((PLACE / "kubernetes.yml").read_text())
    return {(each["kind"], each["metadata"]["name"]): each["spec"] for each in objects}


def containers(manifest: dict[tuple[str, str], Any]) -> list[Any]:
    specs = [spec for (kind, _), spec in manifest.items() if kind == "Deployment"]
    return [each for spec in specs for each in spec["template"]["spec"]["containers"]]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_reads_a_unit_without_a_remark(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing: apt-get install systemd")
    copy = tmp_path / unit.name
    # Its program is not installed here.
    copy.write_text(unit.read_text().replace("/opt/compliance-fleet/bin/dask", "/bin/true"))
    command = ["systemd-analyze", "verify", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    remarks = [line for line in done.stderr.splitlines() if unit.name.partition(".")[0] in line]
    assert remarks == []


@pytest.mark.parametrize("command", ["scheduler", "worker"])
def test_dask_knows_every_option(command: str, manifest: dict[tuple[str, str], Any]) -> None:
    lines = [" ".join(container["command"]) for container in containers(manifest)]
    lines += [
        line for unit in UNITS for line in unit.read_text().splitlines() if "ExecStart" in line
    ]
    used = {
        option
        for line in lines
        if f"dask {command} " in line
        for option in re.findall(r" (--[a-z-]+)", line)
    }
    module = f"distributed.cli.dask_{command}"
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True
    )
    known = set(re.findall(r"--[a-z-]+", done.stdout))
    assert used
    assert used <= known


def test_the_workers_reach_the_scheduler_by_its_service(
    manifest: dict[tuple[str, str], Any],
) -> None:
    name = "compliance-fleet-scheduler"
    service, scheduler = manifest["Service", name], manifest["Deployment", name]
    labels = scheduler["template"]["metadata"]["labels"]
    assert service["selector"] == scheduler["selector"]["matchLabels"] == labels
    (port,) = service["ports"]
    address = f"tcp://{name}:{port['port']}"
    assert (
        address
        in manifest["Deployment", "compliance-fleet-worker"]["template"]["spec"]["containers"][0][
            "command"
        ]
    )


def test_no_container_is_privileged(manifest: dict[tuple[str, str], Any]) -> None:
    for container in containers(manifest):
        assert container["securityContext"]["runAsNonRoot"]
        assert not container["securityContext"]["allowPrivilegeEscalation"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
