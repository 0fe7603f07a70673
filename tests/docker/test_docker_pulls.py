"""When the image is pulled, and what a pull that fails means."""

import pytest

from tests.docker.engine import Engine
from tests.docker.registry import a_hanging_registry, a_registry
from tests.docker.scanning import bench, manifest_of, report_of

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]


def test_a_missing_image_is_pulled_once(docker: Engine) -> None:
    with (
        a_registry("good") as registry,
        bench(docker, image=f"{registry.name}:once", pull="missing") as agent,
    ):
        assert report_of(agent).status == "completed"
        before = registry.requests
        assert before > 0
        assert report_of(agent).status == "completed"
        assert registry.requests == before


def test_a_pinned_digest_is_pulled_and_run(docker: Engine) -> None:
    with a_registry("good") as registry:
        image = f"{registry.name}@{registry.digest}"
        with bench(docker, image=image, pull="missing") as agent:
            report = report_of(agent)
            assert (report.status, report.warnings) == ("completed", ())
            assert image in manifest_of(agent, report).command


def test_always_asks_the_registry_again(docker: Engine) -> None:
    with (
        a_registry("good") as registry,
        bench(docker, image=f"{registry.name}:v1", pull="always") as agent,
    ):
        assert report_of(agent).warnings == ()
        before = registry.requests
        assert report_of(agent).warnings == ()
        assert registry.requests > before


def test_a_pull_that_fails_uses_the_present_image_and_says_so(docker: Engine) -> None:
    with a_registry("good") as registry:
        name = f"{registry.name}:gone"
        docker("pull", "--quiet", name)
    with bench(docker, image=name, pull="always") as agent:
        report = report_of(agent)
        assert report.status == "completed"
        assert f"{name} could not be pulled" in report.warnings[0]
        assert "the image that is present was used" in report.warnings[0]


def test_a_pull_that_hangs_uses_the_present_image_and_says_so(docker: Engine) -> None:
    with a_hanging_registry() as name:
        docker.bench_image("good", name)
        with bench(docker, image=name, pull="always", pull_time_limit_s=10) as agent:
            report = report_of(agent)
            assert report.status == "completed"
            assert "took longer than its limit of 10 s" in report.warnings[0]


def test_an_image_that_is_neither_present_nor_to_be_had_is_a_failed_scan(docker: Engine) -> None:
    with a_registry("good") as registry:
        name = registry.name
    with bench(docker, image=name, pull="missing") as agent:
        error = report_of(agent).error or ""
        assert f"the image {name} is missing and could not be pulled: " in error
        assert "refused" in error
