"""Which proxy a request goes through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.patchmon.proxies import proxy_for

pytestmark = pytest.mark.slow

ENVIRONMENT = {"HTTPS_PROXY": "http://secure:1", "HTTP_PROXY": "http://plain:2"}


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://example.com/x", "http://secure:1"),
        ("wss://example.com/x", "http://secure:1"),
        ("http://example.com/x", "http://plain:2"),
        ("ws://example.com/x", "http://plain:2"),
    ],
)
def test_the_environment_names_a_proxy_for_each_scheme(url: str, proxy: str) -> None:
    assert proxy_for(url, None, ENVIRONMENT) == proxy


def test_without_anything_there_is_none() -> None:
    assert proxy_for("https://example.com", None, {}) is None


def test_all_proxy_stands_in_for_what_is_not_set() -> None:
    environment = {"ALL_PROXY": "http://all:3", "HTTP_PROXY": "http://plain:2"}
    assert proxy_for("https://example.com", None, environment) == "http://all:3"
    assert proxy_for("http://example.com", None, environment) == "http://plain:2"


def test_lower_case_variables_come_before_upper_case_ones_and_an_empty_one_is_none() -> None:
    assert (
        proxy_for("https://a.example", None, {**ENVIRONMENT, "https_proxy": "http://small"})
        == "http://small"
    )
    assert proxy_for("https://a.example", None, {**ENVIRONMENT, "https_proxy": ""}) is None
    assert proxy_for("https://a.example", None, {"HTTPS_PROXY": " "}) is None


def test_a_proxy_without_a_scheme_is_an_http_proxy() -> None:
    assert (
        proxy_for("https://example.com", None, {"HTTPS_PROXY": "proxy:3128"}) == "http://proxy:3128"
    )


def test_the_setting_decides_alone() -> None:
    environment = {**ENVIRONMENT, "NO_PROXY": "*"}
    assert proxy_for("https://example.com", "http://set:4", environment) == "http://set:4"
    assert proxy_for("https://example.com", "none", ENVIRONMENT) is None


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("*", "https://example.com"),
        ("example.com", "https://example.com"),
        ("EXAMPLE.com", "https://Example.COM."),
        ("example.com", "wss://deep.below.example.com:8443/x"),
        (".example.com", "https://sub.example.com"),
        (".example.com", "https://example.com"),
        ("*.example.com", "https://sub.example.com"),
        ("other, example.com", "https://example.com"),
        ("other example.com", "https://example.com"),
        ("example.com:443", "https://example.com/x"),
        ("example.com:8443", "https://example.com:8443/x"),
        ("10.1.2.3", "https://10.1.2.3"),
        ("10.0.0.0/8", "https://10.1.2.3:8443"),
        ("10.1.2.3:8443", "https://10.1.2.3:8443"),
        ("::1", "https://[::1]/"),
        ("[::1]", "https://[::1]/"),
        ("[::1]:8443", "https://[::1]:8443/"),
        ("fd00::/8", "https://[fd12::7]/"),
    ],
)
def test_what_no_proxy_lists_is_reached_directly(no_proxy: str, url: str) -> None:
    assert proxy_for(url, None, {**ENVIRONMENT, "NO_PROXY": no_proxy}) is None


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("", "https://example.com"),
        (", ,", "https://example.com"),
        (".", "https://example.com"),
        ("example.com", "https://notexample.com"),
        ("example.com", "https://example.com.evil.test"),
        ("sub.example.com", "https://example.com"),
        ("example.com:8443", "https://example.com"),
        ("10.0.0.0/8", "https://11.1.2.3"),
        ("10.1.2", "https://10.1.2.3"),
        ("1.2.3", "https://10.1.2.3"),
        ("::1", "https://[::2]/"),
        ("10.0.0.0/99", "https://10.1.2.3"),
    ],
)
def test_all_else_goes_through_the_proxy(no_proxy: str, url: str) -> None:
    assert proxy_for(url, None, {**ENVIRONMENT, "NO_PROXY": no_proxy}) == "http://secure:1"


@pytest.mark.parametrize(
    "url", ["", "https://", "https://[::1", "https://a:99999999", "ftp://example.com", "x"]
)
def test_what_is_not_an_address_has_no_proxy(url: str) -> None:
    assert proxy_for(url, None, ENVIRONMENT) is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_nothing_in_the_environment_is_more_than_a_proxy_that_is_not_found(
    no_proxy: str, proxy: str
) -> None:
    found = proxy_for("https://example.com", None, {"NO_PROXY": no_proxy, "HTTPS_PROXY": proxy})
    assert found is None or "://" in found
