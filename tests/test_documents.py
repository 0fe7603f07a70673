"""The documents agree with the tree: links, paths, hooks, and the length of a decision's page."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path.relative_to(ROOT)
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "spool/README.md")
)
DECISIONS = sorted(
    path for path in (ROOT / "docs/decisions").glob("*.md") if path.name != "README.md"
)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text()):
        if not target.startswith("https://"):
            assert (ROOT / page.parent / target).exists(), target


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_every_path_of_the_source_that_a_page_names_exists(page: str) -> None:
    top = "schemas|spool|stages|receiver|tests|systemd|packaging|benchmarks|scripts|docs"
    paths = re.findall(rf"`((?:{top})/[a-z_./]+)`", (ROOT / page).read_text())
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_decision_is_one_short_page_and_is_listed() -> None:
    listed = (ROOT / "docs/decisions/README.md").read_text()
    for path in DECISIONS:
        assert len(path.read_text().splitlines()) <= 30, path.name
        assert f"({path.name})" in listed, path.name


def test_the_hooks_of_a_commit_need_no_network_and_check_what_lint_checks() -> None:
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks = [hook for repository in repositories for hook in repository["hooks"]]
    assert {repository["repo"] for repository in repositories} == {"local"}
    assert {hook["language"] for hook in hooks} == {"system"}
    entries = [hook["entry"] for hook in hooks]
    lint = re.findall(r"^\.venv/.+$", (ROOT / "scripts/lint").read_text(), re.MULTILINE)
    assert lint
    assert set(lint) <= set(entries)


def test_every_folder_that_is_listed_as_slow_exists() -> None:
    listed = re.search(
        r"_SLOW_FOLDERS = frozenset\(\((.*)\)\)", (ROOT / "tests/conftest.py").read_text()
    )
    assert listed
    names = re.findall(r'"([a-z_]+)"', listed[1])
    assert names
    assert [name for name in names if not (ROOT / "tests" / name).is_dir()] == []
