"""What every HTML page shares: the template engine, the style sheet and the content policy.

Security: templates escape by default and refuse undefined names; a page may use no network, and
only the style sheet and the script whose digests its policy names.
"""

import base64
import hashlib
from functools import lru_cache
from importlib import resources

import jinja2

from schemas.ids import short_rule_id
from stages.formats.visible import visible, visible_line

_LONG_CHARACTERS = 1200
_LONG_LINES = 14


def content_security_policy(style: str, script: str | None = None) -> str:
    scripts = ""
    if script is not None:
        scripts = f" script-src '{_digest(script)}';"
    return (
        f"default-src 'none'; style-src '{_digest(style)}';{scripts}"
        " base-uri 'none'; form-action 'none'"
    )


def style_sheet() -> str:
    return _asset("report.css")


def script() -> str:
    return _asset("report.js")


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("stages.formats"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["visible"] = visible
    found.filters["line"] = visible_line
    found.filters["short_id"] = short_rule_id
    found.tests["long"] = _is_long
    return found


def _is_long(text: str) -> bool:
    """Whether a text scrolls in a box of its own."""
    return len(text) > _LONG_CHARACTERS or text.count("\n") > _LONG_LINES


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


@lru_cache(maxsize=4)
def _asset(name: str) -> str:
    return resources.files("stages.formats").joinpath("templates", name).read_text("utf-8")
