import os
from pathlib import Path

import pytest

from schemas.settings import ApiSettings, ServerSettings, Settings
from stages.patchmon.credentials import Credentials, NoCredentials, exposures, find
from stages.patchmon.server_access import ServerAccess, find_access

HANDLES = Path("/proc/self/fd")


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "api-key"
    path.write_text("s3cret\n")
    path.chmod(0o600)
    return path


def test_the_key_comes_from_the_settings(tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text("")
    config.chmod(0o640)
    assert find(ApiSettings(id="patchmon_1", key="k"), config, {}) == Credentials("patchmon_1", "k")


def test_the_key_comes_from_a_file(key_file: Path) -> None:
    assert find(ApiSettings(id="patchmon_1", key_file=str(key_file)), None, {}) == Credentials(
        "patchmon_1", "s3cret"
    )


def test_systemds_credential_comes_first(key_file: Path) -> None:
    found = find(
        ApiSettings(id="i", key="other"), None, {"CREDENTIALS_DIRECTORY": str(key_file.parent)}
    )
    assert found == Credentials("i", "s3cret")


def test_a_secret_that_everyone_can_read_is_refused_with_the_remedy(key_file: Path) -> None:
    key_file.chmod(0o644)
    found = find(ApiSettings(id="i", key_file=str(key_file)), None, {})
    assert isinstance(found, NoCredentials)
    assert f"chmod 640 {key_file}" in found.reason


def test_a_settings_file_with_a_key_must_not_be_world_readable(key_file: Path) -> None:
    key_file.chmod(0o604)
    found = find(ApiSettings(id="i", key="k"), key_file, {})
    assert isinstance(found, NoCredentials)
    assert "chmod" in found.reason


@pytest.mark.parametrize(
    "api", [ApiSettings(), ApiSettings(id="i"), ApiSettings(id="i", key_file="/none")]
)
def test_missing_credentials_say_what_to_do(api: ApiSettings) -> None:
    found = find(api, None, {})
    assert isinstance(found, NoCredentials)
    assert found.reason


def test_every_secret_that_everyone_can_read_is_reported_with_its_setting(tmp_path: Path) -> None:
    config, key, pem = (tmp_path / name for name in ("config.yml", "key", "client.pem"))
    for path in (config, key, pem):
        path.touch(mode=0o644)
    server = ServerSettings(proxy="http://u:p@proxy.example.com", client_key=str(pem))
    found = exposures(Settings(server=server, api=ApiSettings(key="k", key_file=str(key))), config)
    assert {problem.key for problem in found} == {
        "api.key",
        "api.key_file",
        "server.client_key",
        "server.proxy",
    }
    for path in (config, key, pem):
        assert any(f"chmod 640 {path}" in problem.message for problem in found)
        path.chmod(0o640)
    assert (
        exposures(Settings(server=server, api=ApiSettings(key="k", key_file=str(key))), config)
        == []
    )


def test_every_connection_refuses_secrets_that_everyone_can_read(
    tmp_path: Path, key_file: Path
) -> None:
    """The commands and the content of the server as well as the reports."""
    pem = tmp_path / "client.pem"
    pem.touch(mode=0o644)
    api = ApiSettings(id="i", key_file=str(key_file))
    server = ServerSettings(url="https://patchmon.example.com", client_key=str(pem))
    found = find_access(Settings(server=server, api=api), None, {})
    assert isinstance(found, NoCredentials)
    assert found.reason.startswith("server.client_key: ")
    assert f"chmod 640 {pem}" in found.reason
    pem.chmod(0o640)
    found = find_access(Settings(server=server, api=api), None, {})
    assert found == ServerAccess(server, Credentials("i", "s3cret"))


@pytest.mark.parametrize(("kind", "message"), [("fifo", "a pipe"), ("directory", "a directory")])
def test_a_key_file_that_is_not_a_plain_file_is_refused_without_waiting_for_it(
    tmp_path: Path, kind: str, message: str
) -> None:
    path = tmp_path / kind
    path.mkdir() if kind == "directory" else os.mkfifo(path)
    open_before = len(list(HANDLES.iterdir()))
    found = find(ApiSettings(id="i", key_file=str(path)), None, {})
    assert isinstance(found, NoCredentials)
    assert f"it is {message}, not a plain file" in found.reason
    assert "chmod" not in found.reason
    # The key is looked for again at every pass of a stage.
    assert len(list(HANDLES.iterdir())) == open_before


def test_a_key_is_never_shown() -> None:
    assert "s3cret" not in repr(Credentials("i", "s3cret"))


def test_a_key_that_no_header_takes_is_refused() -> None:
    found = find(ApiSettings(id="i", key="a\r\nX-Other: b"), None, {})
    assert isinstance(found, NoCredentials)
