"""`connect` against the real receiver: what is written, what is tested, and what is refused."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver import Policy, Receiver
from stages.patchmon.enrolment import EnrolmentToken
from tests.console.program import agent
from tests.faults.test_immovable_entries import immutable
from tests.patchmon.scripted_server import raw, reply, serving

pytestmark = pytest.mark.slow

TOKEN = EnrolmentToken(key="patchmon_ae_1", secret="s" * 48)
PROGRAM = [sys.executable, "-m", "stages.console.main"]
COMMENTED = "# mine\nserver:\n  url: https://old.example.com  # the old one\nlog:\n  level: debug\n"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(Policy(enrolment=TOKEN)) as running:
        yield running


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yml"
    path.write_text(COMMENTED)
    path.chmod(0o600)
    return path


def secret_file(path: Path, content: str, mode: int = 0o600) -> Path:
    path.write_text(f"{content}\n")
    path.chmod(mode)
    return path


def connect(*arguments: str, config: Path, given: str = "", code: int = 0) -> str:
    done = subprocess.run(
        [*PROGRAM, "connect", *arguments, "--config", str(config)],
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "COMPLIANCE_AGENT_CONFIG": ""},
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def key_of(config: Path) -> str:
    return (config.parent / "api-key").read_text().strip()


def test_id_and_key_are_tested_and_written_with_their_modes(
    receiver: Receiver, config: Path, tmp_path: Path
) -> None:
    key = secret_file(tmp_path / "given", receiver.credentials.key)
    output = connect(
        receiver.url, "--id", receiver.credentials.id, "--key-file", str(key), config=config
    )
    for step in ("name", "connection", "host check", "key", "compliance mode"):
        assert f"{step}: ok: " in output
    assert receiver.credentials.key not in output
    assert key_of(config) == receiver.credentials.key
    assert (mode_of(config), mode_of(config.parent / "api-key")) == (0o600, 0o600)
    text = config.read_text()
    assert text.startswith(f'# mine\nserver:\n  url: "{receiver.url}"  # the old one\nlog:\n')
    assert "connection: ok" in connect("--test", config=config)
    assert agent("config", "check", config=config).stdout


def test_the_key_never_gets_a_wider_mode(receiver: Receiver, config: Path) -> None:
    secret_file(config.parent / "api-key", "old", mode=0o644)
    config.chmod(0o400)
    connect(
        receiver.url,
        *("--id", receiver.credentials.id, "--key-file", "-"),
        config=config,
        given=receiver.credentials.key,
    )
    assert (mode_of(config), mode_of(config.parent / "api-key")) == (0o400, 0o640)


def test_settings_that_can_not_be_written_are_named_with_what_to_set(
    receiver: Receiver, config: Path
) -> None:
    given = receiver.credentials
    with immutable(config):
        output = connect(
            *(receiver.url, "--id", given.id, "--key-file", "-"),
            config=config,
            given=given.key,
            code=3,
        )
    assert f"the key is in {config.parent / 'api-key'}" in output
    assert f"server.url: {receiver.url}, api.id: {given.id} and api.key_file" in output
    assert key_of(config) == given.key


@pytest.mark.parametrize("arguments", [["--test"], ["--id", "i", "--key-file", "-"]])
def test_nothing_is_sent_through_a_proxy_whose_password_everyone_can_read(
    config: Path, arguments: list[str]
) -> None:
    with serving() as server:
        proxy = server.url.replace("//", "//user:geheim@")
        text = (
            f"server:\n  url: http://patchmon.example\n  proxy: {proxy}\n"
            f"api:\n  id: i\n  key_file: {config.parent / 'api-key'}\n"
        )
        config.write_text(text)
        config.chmod(0o644)
        secret_file(config.parent / "api-key", "k")
        output = connect(*arguments, config=config, given="k", code=2)
        assert server.connections == 0
    assert "server.proxy: " in output
    assert f"chmod 640 {config}" in output
    assert config.read_text() == text


def test_a_wrong_key_is_not_written(receiver: Receiver, config: Path) -> None:
    output = connect(
        *(receiver.url, "--id", "patchmon_1", "--key-file", "-", "--json"),
        config=config,
        given="wrong",
        code=1,
    )
    found = json.loads(output)
    results = [step["result"] for step in found["steps"]]
    assert results == ["ok", "ok", "ok", "failed", "skipped"]
    assert found["written"] == []
    assert config.read_text() == COMMENTED
    assert not (config.parent / "api-key").exists()


def test_an_enrolment_token_makes_a_host_of_this_name(receiver: Receiver, config: Path) -> None:
    connect(
        *(receiver.url, "--enroll-key", TOKEN.key, "--enroll-secret-file", "-", "--name", "web-9"),
        config=config,
        given=TOKEN.secret,
    )
    (host,) = [host for host in receiver.hosts.all() if host.name == "web-9"]
    assert host.credentials.key == key_of(config)
    assert f'id: "{host.credentials.id}"' in config.read_text()
    assert TOKEN.secret not in config.read_text()


def test_a_bootstrap_token_is_good_for_one_connection(receiver: Receiver, config: Path) -> None:
    token = receiver.hosts.bootstrap_token(receiver.credentials)
    arguments = (receiver.url, "--bootstrap-token-file", "-")
    connect(*arguments, config=config, given=token)
    assert key_of(config) == receiver.credentials.key
    before = config.read_text()
    output = connect(*arguments, config=config, given=token, code=1)
    assert "not enrolled: HTTP 401: Invalid or expired bootstrap token" in output
    assert config.read_text() == before


def test_an_enrolment_that_is_cut_leaves_the_settings_and_names_what_may_have_happened(
    config: Path,
) -> None:
    with serving() as server:
        server.answer(reply(200, {"status": "ok"}), raw(b"HTTP/1.1 201 Created\r\nContent-Le"))
        output = connect(
            *(server.url, "--enroll-key", TOKEN.key, "--enroll-secret-file", "-"),
            config=config,
            given=TOKEN.secret,
            code=1,
        )
    assert "the server may have created the host" in output
    assert TOKEN.secret not in output
    assert config.read_text() == COMMENTED
    assert not (config.parent / "api-key").exists()


def test_a_token_is_not_used_where_the_server_is_not_reached(config: Path) -> None:
    output = connect(
        *("https://patchmon.invalid", "--enroll-key", "k", "--enroll-secret-file", "-"),
        config=config,
        given="s",
        code=1,
    )
    assert "name: failed: patchmon.invalid can't be resolved" in output
    assert "nothing was written" in output


def test_a_page_instead_of_an_answer_is_named_and_nothing_is_written(config: Path) -> None:
    page = raw(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"
    )
    with serving() as server:
        server.answer(page)
        server.pings = page
        output = connect(
            *(server.url, "--id", "patchmon_1", "--key-file", "-"),
            config=config,
            given="k",
            code=1,
        )
    assert "this is not an answer of a PatchMon server" in output
    assert config.read_text() == COMMENTED


def official(directory: Path, receiver: Receiver, mode: int = 0o600) -> Path:
    directory.mkdir()
    secret_file(directory / "config.yml", f"patchmon_server: {receiver.url}/")
    text = f"api_id: {receiver.credentials.id}\napi_key: {receiver.credentials.key}"
    secret_file(directory / "credentials.yml", text, mode)
    return directory


def test_url_id_and_key_of_the_official_agent_are_taken_and_its_files_are_left_alone(
    receiver: Receiver, config: Path, tmp_path: Path
) -> None:
    directory = official(tmp_path / "patchmon", receiver)
    before = {path: (path.read_bytes(), path.stat()) for path in directory.iterdir()}
    output = connect("--from-patchmon", "--patchmon-directory", str(directory), config=config)
    assert "server.report_host: false" in output
    assert key_of(config) == receiver.credentials.key
    assert {path: (path.read_bytes(), path.stat()) for path in directory.iterdir()} == before


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (None, 0o644, "everyone can read or change this secret"),
        ("<html>", 0o600, "has no settings"),
        ("api_id: patchmon_1", 0o600, "api_key: missing, or not a text"),
        ("api_id: [", 0o600, "is not YAML"),
    ],
)
def test_credentials_of_the_official_agent_that_can_not_be_used_are_named(
    receiver: Receiver, config: Path, tmp_path: Path, content: str | None, mode: int, message: str
) -> None:
    directory = official(tmp_path / "patchmon", receiver)
    path = directory / "credentials.yml"
    path.chmod(mode)
    if content is not None:
        secret_file(path, content)
    arguments = ("--from-patchmon", "--patchmon-directory", str(directory))
    output = connect(*arguments, config=config, code=2)
    assert f"{path}: {message}" in output
    assert receiver.credentials.key not in output
    assert config.read_text() == COMMENTED


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense", "--id", "a", "--key-file", "-"], "server.url: must be an address"),
        (["--id", "a"], "--id and --key-file belong together"),
        (["--id", "a", "--key-file", "-", "--from-patchmon"], "give one of --id"),
        (["--test", "https://x"], "--test tests the settings, and takes no other arguments"),
        (["--test"], "api.id: not set"),
        ([], "or give --id with --key-file"),
        (["--key-file", "-", "--id", "a b"], "--id must be 1 to 512 visible"),
    ],
)
def test_a_command_line_that_is_not_enough_is_refused(
    config: Path, arguments: list[str], message: str
) -> None:
    assert message in connect(*arguments, config=config, given="k", code=2)
    assert config.read_text() == COMMENTED


def test_settings_that_are_wrong_elsewhere_are_named_and_stay(config: Path) -> None:
    config.write_text(f"{COMMENTED}servre: 1\n")
    arguments = ("https://patchmon.example.com", "--id", "a", "--key-file", "-")
    output = connect(*arguments, config=config, given="k", code=2)
    assert "servre" in output
    assert config.read_text() == f"{COMMENTED}servre: 1\n"
