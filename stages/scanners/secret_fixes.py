"""Masks secrets in fixes: scripts, playbooks, manifests. Pure.

A fix is code. Most of what stands behind the name of a secret in it is a variable, a pattern, or
the key of a setting; only values written out are masked. A fix that was changed must not run: it
would set the password to the mask.
"""

import re

from stages.scanners.secret_commands import masked_commands
from stages.scanners.secrets import MASK, masked_forms, masked_if_named

_ASSIGNMENT = re.compile(
    r"""(?<![\w/.$-])([A-Za-z][\w.-]*)(["']?[ \t]*(?:=>|[=:])[ \t]*(?:!!\w+[ \t]+)?)"""
    r"""("[^"\n]*"|'[^'\n]*'|(?!!!)[^\s,;"']++(?![ \t]*=>))"""
)
"""In `root: password => …` the value is the name of the next assignment."""
_COMPUTED = re.compile(r"[$`(){}\[\]\\*^|<>%]|^-")
_EXPANDED = re.compile(r"[$`]|\{\{")
_NAME_OF_A_SETTING = re.compile(
    r"(?:(?!api|private|auth|access|secret|encryption|signing|master|shared|pre)[a-z]+[_.-])*keys?",
    re.IGNORECASE,
)
"""`KEY="perm_mod"`, `key: AUDIT`, `stripped_key=…`"""


def masked_fix(text: str) -> str:
    """The fix with the secrets in it masked; the same text where it holds none."""
    text = masked_commands(masked_forms(text), MASK)
    return _ASSIGNMENT.sub(_mask_literal, text)


def _mask_literal(found: re.Match[str]) -> str:
    name, sign, value = found.groups()
    if _NAME_OF_A_SETTING.fullmatch(name) or _is_computed(value):
        return found[0]
    return f"{name}{sign}{masked_if_named(name, value)}"


def _is_computed(value: str) -> bool:
    if value[0] == "'":
        return "{{" in value
    if value[0] == '"':
        return _EXPANDED.search(value) is not None
    return _COMPUTED.search(value) is not None
