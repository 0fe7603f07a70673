"""Which proxy a request goes through: one rule for all that this agent sends. Pure.

The setting `server.proxy` decides alone where it is set: a proxy is used for every address,
NO_PROXY or not, and `none` is none at all. Without it the environment decides: HTTPS_PROXY for
https and wss, HTTP_PROXY for http and ws, ALL_PROXY where that is not set, and none for what
NO_PROXY lists. A lower-case variable comes before its upper-case form.

NO_PROXY is a list, by comma or blank: `*` for everything; a name, for it and all below it, with or
without a leading dot; an address, or a network in CIDR notation; each with a port
(`example.com:8443`) only for that port.
"""

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

NONE = "none"
_VARIABLE = {"https": "https_proxy", "wss": "https_proxy", "http": "http_proxy", "ws": "http_proxy"}
DEFAULT_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
_USER = re.compile(r"//[^/@\s]+@")
_ENTRY = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*|.*:.*:.*?)(?::(?P<port>[0-9]{1,5}))?")


def proxy_for(url: str, configured: str | None, environment: Mapping[str, str]) -> str | None:
    """The URL of the proxy for requests to `url`; None if they go directly. `configured` is the
    setting `server.proxy`.
    """
    if configured == NONE:
        return None
    if configured is not None:
        return configured
    try:
        parts = urlsplit(url)
        variable = _VARIABLE[parts.scheme]
        port = parts.port or DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError):
        # Not a URL: sending the request fails with a better message.
        return None
    if parts.hostname is None or _is_direct(parts.hostname.rstrip("."), port, environment):
        return None
    proxy = _variable(variable, environment) or _variable("all_proxy", environment)
    if not proxy:
        return None
    if "://" in proxy:
        return proxy
    return f"http://{proxy}"


def without_user(text: str) -> str:
    """A message without user and password of the addresses in it: a proxy's may have both."""
    return _USER.sub("//", text)


def _variable(name: str, environment: Mapping[str, str]) -> str:
    """An empty lower-case variable overrides its upper-case form."""
    return environment.get(name, environment.get(name.upper(), "")).strip()


def _is_direct(host: str, port: int, environment: Mapping[str, str]) -> bool:
    """Whether NO_PROXY lists the host."""
    entries = _variable("no_proxy", environment).lower().replace(",", " ").split()
    return any(_covers(entry, host, port) for entry in entries)


def _covers(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return False
    if match["port"] not in (None, str(port)):
        return False
    name = match["host"].strip("[]")
    address = _address(host)
    if address is not None:
        return _holds(name, address)
    name = name.removeprefix("*").strip(".")
    return f".{host}".endswith(f".{name}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _holds(network: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
