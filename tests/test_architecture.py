"""The architecture is a test: layers, owners, and a place for every package."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from stages.patchmon import server_messages
from stages.patchmon.host_update import HostUpdate

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    p
    for top in ("schemas", "spool", "stages", "receiver", "fleet")
    for p in (ROOT / top).rglob("*.py")
)

# A package may import what stands below it; those of one rank never meet.
LAYERS: list[set[str]] = [
    {"stages.console", "receiver", "fleet"},
    {"stages.trigger", "stages.scan", "stages.parse", "stages.ship"},
    {"stages.patchmon", "stages.scanners", "stages.formats"},
    {"stages.scap", "stages.runtime"},
    {"spool"},
    {"schemas"},
]
OWNERS: dict[str, set[str]] = {
    "msgspec": {"schemas"},
    "backports": {"spool"},
    "compression": {"spool"},
    "lzma": {"spool"},
    "bz2": {"spool"},
    "gzip": {"spool"},
    "zmq": {"stages.runtime"},
    "yaml": {"stages.runtime"},
    "watchdog": {"stages.runtime"},
    "lxml": {"stages.scap"},
    "croniter": {"stages.trigger"},
    "jinja2": {"stages.formats", "fleet"},
    "markupsafe": {"stages.formats"},
    "prometheus_client": {"stages.formats"},
    "websockets": {"stages.patchmon"},
    "requests": {"stages.patchmon"},
    "urllib3": {"stages.patchmon"},
    "tenacity": {"stages.patchmon"},
    "subprocess": {"stages.scanners", "stages.ship", "stages.console", "receiver"},
    "starlette": {"receiver"},
    "uvicorn": {"receiver"},
    "dask": {"fleet"},
    "distributed": {"fleet"},
    "duckdb": {"fleet"},
    "fsspec": {"fleet"},
    "pyarrow": {"fleet"},
    "rich": {"fleet"},
}
DURABLE = "spool/durable.py"


def package(path: Path) -> str:
    """The layered package that a file belongs to."""
    parts = path.relative_to(ROOT).parts
    return parts[0] if parts[0] != "stages" or len(parts) == 2 else f"stages.{parts[1]}"


def rank(name: str) -> int:
    return next(i for i, layer in enumerate(LAYERS) if name in layer)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(name: str) -> str | None:
    parts = name.split(".")
    if parts[0] in ("schemas", "spool", "receiver", "fleet"):
        return parts[0]
    return f"stages.{parts[1]}" if parts[0] == "stages" and len(parts) > 1 else None


def test_every_package_has_its_place() -> None:
    placed = set().union(*LAYERS)
    assert {package(path) for path in SOURCES} - {"stages"} == placed


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_only_and_siblings_never_meet(path: Path) -> None:
    me = package(path)
    for name in imports(path):
        other = ours(name)
        if other and other != me and me != "stages":
            assert rank(other) > rank(me), f"{me} must not import {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_library_has_one_owner(path: Path) -> None:
    for name in imports(path):
        library = name.split(".")[0]
        if library in OWNERS:
            assert package(path) in OWNERS[library], f"{library} belongs to {OWNERS[library]}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_values_are_structs(path: Path) -> None:
    assert "dataclasses" not in {name.split(".")[0] for name in imports(path)}


SCANNER_FOLDERS = {"openscap", "docker_bench"}
SCANNER_NAMES = re.compile(r"openscap|oscap|docker[ _-]bench|\barf\b", re.IGNORECASE)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every text in a module but for its docstrings, with its line."""
    tree = ast.parse(path.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        is_docstring = id(node) in docstrings
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not is_docstring:
            yield node.lineno, node.value


def is_of_a_scanner(path: Path) -> bool:
    return bool(SCANNER_FOLDERS & set(path.relative_to(ROOT).parts))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_outside_a_scanners_folder_names_it(path: Path) -> None:
    if is_of_a_scanner(path):
        return
    for line, text in texts(path):
        assert not SCANNER_NAMES.search(text), f"{path}:{line}: {text!r}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_registry_imports_from_a_scanners_folder(path: Path) -> None:
    if is_of_a_scanner(path) or str(path.relative_to(ROOT)) == "stages/scanners/registry.py":
        return
    for name in imports(path):
        assert not SCANNER_FOLDERS & set(name.split(".")), f"{path} imports {name}"


def test_a_scanner_bounds_its_settings_in_its_own_folder() -> None:
    """What `schemas/values.py` offers is used by more than one scanner, or by no scanner."""
    values = set(re.findall(r"^(\w+) = Annotated", (ROOT / "schemas/values.py").read_text(), re.M))
    users: dict[str, set[str]] = {value: set() for value in values}
    for path in SOURCES:
        folder = "the agent"
        if is_of_a_scanner(path):
            folder = path.parent.name
        for name in imports(path):
            if name.startswith("schemas.values."):
                users[name.rpartition(".")[2]].add(folder)
    alone = {value for value, folders in users.items() if len(folders) == 1}
    assert {value for value in alone if users[value] <= SCANNER_FOLDERS} == set()


ENDPOINTS = re.compile(r"/api/v\d|/health\b")
MESSAGES = (*get_args(server_messages.ServerMessage), server_messages.ScanProgress)
MESSAGE_TYPES = re.compile(rf"\b({'|'.join(server_messages.type_of(each) for each in MESSAGES)})\b")
BODY_KEYS = {
    *("osType", "osVersion", "agentVersion"),
    *("components", "scanner_info", "install_events", "mismatch_warning", "content_mismatch"),
    *("ssg_version", "content_package", "xccdf_id", "compliance_hash", "scans_received"),
}
"""Those that the agent uses for nothing else."""


@pytest.mark.parametrize(
    "path",
    [p for p in SOURCES if package(p) not in ("stages.patchmon", "receiver")],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_what_the_server_speaks_is_known_in_one_folder_alone(path: Path) -> None:
    for line, text in texts(path):
        place = f"{path}:{line}: {text!r}"
        assert not ENDPOINTS.search(text), place
        assert not MESSAGE_TYPES.search(text), place
        assert text not in BODY_KEYS, place


def test_the_body_keys_are_those_of_the_bodies() -> None:
    spelled = "".join(p.read_text() for p in (ROOT / "stages/patchmon").glob("*.py"))
    camel = set(HostUpdate.__struct_encode_fields__)
    assert all(key in camel or key in spelled for key in BODY_KEYS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_one_module_renames_and_syncs(path: Path) -> None:
    if str(path.relative_to(ROOT)) == DURABLE:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr in (
            "fsync",
            "replace",
            "rename",
            "renames",
        ):
            owner = node.value
            assert not (isinstance(owner, ast.Name) and owner.id == "os"), (
                f"{path}:{node.lineno}: os.{node.attr}"
            )


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_shell_is_ever_started(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            assert not any(k.arg == "shell" for k in node.keywords), f"{path}:{node.lineno}"
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("system", "popen"):
                assert not (isinstance(node.func.value, ast.Name) and node.func.value.id == "os")


def test_the_only_broad_excepts_are_those_of_a_stage_a_command_and_the_http_client() -> None:
    found = [
        f"{path.relative_to(ROOT)}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))
        )
        and not any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
    ]
    assert found == [
        "stages/console/command_exit.py",
        "stages/patchmon/client.py",
        "stages/runtime/stage_process.py",
    ]


def test_pure_modules_touch_neither_clock_nor_files_nor_environment() -> None:
    pure = [
        "schemas/codec_messages.py",
        "schemas/expected.py",
        "schemas/settings_check.py",
        "spool/layout.py",
        "spool/pending.py",
        "spool/frame.py",
        "spool/retention.py",
        *(str(path.relative_to(ROOT)) for path in (ROOT / "stages/formats").glob("*.py")),
        "stages/patchmon/proxies.py",
        "stages/patchmon/redirects.py",
        "stages/scanners/openscap/content_match.py",
        "stages/scanners/docker_bench/docker_arguments.py",
        "stages/scanners/platform.py",
        "stages/scanners/openscap/products.py",
        "stages/scanners/openscap/openscap_packages.py",
        "stages/scanners/docker_bench/docker_bench_packages.py",
        "stages/scanners/readiness.py",
        "stages/runtime/printable.py",
        "stages/trigger/due.py",
        "stages/trigger/integration_status.py",
        "stages/patchmon/capabilities.py",
        "stages/scanners/openscap/profile_choice.py",
        "stages/patchmon/body.py",
        "stages/patchmon/compliance_hash.py",
        "stages/patchmon/host_update.py",
        "stages/patchmon/outcome.py",
        "stages/patchmon/reply.py",
        "stages/patchmon/retry_after.py",
        "stages/patchmon/truncate.py",
        "stages/ship/delivery_attempt.py",
        "stages/ship/order.py",
        "stages/ship/receipts.py",
        "stages/ship/waiting.py",
    ]
    impure = {"os", "time", "socket", "subprocess", "shutil", "tempfile", "random"}
    for name in pure:
        used = {name.split(".")[0] for name in imports(ROOT / name)}
        assert not used & impure, f"{name} imports {used & impure}"
        assert "open(" not in (ROOT / name).read_text()


def test_the_architecture_page_has_the_same_layers_and_owners() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    layers: dict[str, set[str]] = {}
    owners: dict[str, set[str]] = {}
    rows = re.findall(r"^\| (\d+) \| `([a-z_.]+)` \| .+ \|([^|]*)\|$", page, re.MULTILINE)
    for layer, name, libraries in rows:
        layers.setdefault(layer, set()).add(name)
        for library in libraries.replace(",", " ").split():
            owners.setdefault(library, set()).add(name)
    assert list(layers.values()) == LAYERS
    assert owners == OWNERS
