"""Settings are changed where they are written, and nothing else of the file changes."""

from pathlib import Path

import pytest

from stages.runtime.settings_edit import SettingsEditError, changed
from stages.runtime.settings_file import plain_values

URL = "https://new.example.com"
EXAMPLE = (Path(__file__).parents[2] / "config.example.yml").read_text()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f'server:\n  url: "{URL}"\n'),
        ("# nothing yet\n", f'# nothing yet\nserver:\n  url: "{URL}"\n'),
        (
            "log:\n  level: debug",
            f'log:\n  level: debug\n\nserver:\n  url: "{URL}"\n',
        ),
        (
            "server:   # the test server\n  # comment\n  verify: true\n",
            f'server:   # the test server\n  # comment\n  url: "{URL}"\n  verify: true\n',
        ),
        (
            "server:\n    verify: true\n    url: http://old # old\n",
            f'server:\n    verify: true\n    url: "{URL}" # old\n',
        ),
        ("server:\n  url:\n  verify: true\n", f'server:\n  url: "{URL}"\n  verify: true\n'),
        ("server:\n  url: ~\n", f'server:\n  url: "{URL}"\n'),
        ("server:\n", f'server:\n  url: "{URL}"\n'),
        ("server: # none\n", f'server:\n  url: "{URL}" # none\n'),
        ('{"server": {"url": "x"}}', f'{{"server": {{"url": "{URL}"}}}}'),
        (f"server: {{url: '{URL}'}}\n", f"server: {{url: '{URL}'}}\n"),
        ("server:\r\n  url: x\r\n", f'server:\r\n  url: "{URL}"\r\n'),
    ],
)
def test_a_value_is_put_where_it_belongs(before: str, after: str) -> None:
    assert changed(before, {("server", "url"): URL}) == after


def test_the_example_keeps_every_other_line() -> None:
    after = changed(EXAMPLE, {("server", "url"): URL, ("api", "id"): "patchmon_1"})
    differing = [
        (old, new)
        for old, new in zip(EXAMPLE.splitlines(), after.splitlines(), strict=True)
        if old != new
    ]
    assert [new for _, new in differing] == [f'  url: "{URL}"', '  id: "patchmon_1"']


def test_values_with_quotes_and_umlauts_are_read_back_as_they_were() -> None:
    value = 'a"b\\c ü # not a comment'
    after = changed("api:\n  id: x\n", {("api", "id"): value})
    assert plain_values(after.encode())[0] == {"api": {"id": value}}


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("server: [1]\n", "server: is not a section"),
        ("- server\n", "does not consist of sections"),
        ("server: {url: 1\n", "is not YAML"),
        ("server:\n  url: 1\n  url: 2\n", "duplicate key"),
        ("a: &a {url: x}\nserver: *a\n", "can't be changed automatically"),
        ('{"server": {"verify": true}}', "can't be changed automatically"),
        ("server: {}", "can't be changed automatically"),
        ("{}", "can't be changed automatically"),
        ("~", "can't be changed automatically"),
    ],
)
def test_a_layout_that_can_not_be_changed_safely_is_refused(before: str, message: str) -> None:
    with pytest.raises(SettingsEditError, match=message):
        changed(before, {("server", "url"): URL})
