"""Host-specific secrets do not travel: what they are recognized by, and what is shown instead. Pure.

Masked are password hashes, private keys, credentials in URLs, and the values of settings whose name says secret,
token, key or password. Not masked: yes and no, and settings whose name says that the value is about such a thing
and not the thing itself (its length, age, file, algorithm).
"""

import re

MASK = "********"
MAX_CHARACTERS = 4000
"""Of a longer text only the beginning is looked at, and given back: the rest might be a secret, or take for ever."""

_NAMED = re.compile(
    r"secret|token|passw|passphrase|passcode|credential|pwd$|^pwd|bindpw|authtok|(?<!by)pass$"
    r"|(?:^|[a-z0-9_.-])(?:api|private|priv|auth|access|shared|encryption|signing|master|pre)[_.-]?keys?$"
    r"|(?:^|[_.\-/ ])keys?(?:$|[_.\- ])|(?:^|[_.-])psk(?:$|[_.-])|rootpw$|community6?$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ABOUT = re.compile(
    r"(?:days|length|len|age|min|max|files?|path|dir|algorithms?|types?|authentication|authorized|command|user"
    r"|limit|count|retry|retries|history|remember|attempts|expir(?:e|y|ation)|bits|size|timeout|interval"
    r"|lifetime|policy|method|quality|complexity|mgmt|format|usage|name|id|warn|change|aging|maxkeys|maxbytes|passwords)$",
    re.IGNORECASE,
)
_PLAIN_WORDS = frozenset(
    (
        "yes",
        "no",
        "true",
        "false",
        "on",
        "off",
        "enabled",
        "disabled",
        "enable",
        "disable",
        "none",
        "sha512",
    )
)
_PLAIN_WORDS_OR_MARKS = _PLAIN_WORDS | {"x", "*", "!", "!!", "!*", ""}
_HASHES = re.compile(
    r"\$(?:[1-9]|2[abxy]|y|gy|md5|sha1|apr1|argon2\w*|scrypt|pbkdf2\S{0,9})\$[./A-Za-z0-9=,+$-]{8,}"
    r"|grub\.pbkdf2\.\w+(?:\.[A-Fa-f0-9]+)+|\{(?:SSHA|SHA|SMD5|MD5|CRYPT)\d*\}\S+"
)
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL
)
_URL = re.compile(r"(?<=://)[^\s/:@]*:[^\s/@]+(?=@)")
_ASSIGNED = re.compile(
    r"""(?<!-F )(?<![\w/.])([A-Za-z][\w.-]*)(["']?\s*(?:=>|::|[=:])\s*)"""
    r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[^\s,;"']+)"""
)
_OPTION = re.compile(r"""(?<!\S)(--?[A-Za-z][\w-]*)(\s+)("[^"\n]*"|'[^'\n]*'|[^\s-]\S*)""")
_FIRST_WORD = re.compile(
    r"^(\s*[A-Za-z][\w.-]*)([ \t]*(?:=>|[=:])[ \t]*(?![=:>])|[ \t]+)([^\s=:].*)$", re.MULTILINE
)
_BLOCK = re.compile(
    r"""^([ \t]*)((?:- )?["']?([A-Za-z][\w.-]*)["']?\s*:[ \t]*(?:!\S+[ \t]*)?[|>][-+\d]*[ \t]*\n)"""
    r"((?:\1[ \t]+[^\n]*\n?)+)",
    re.MULTILINE,
)
"""YAML: the value is what follows, as long as it is indented further."""
_QUOTED_OR_WORD = r"""("[^"\n]*"|'[^'\n]*'|[^\s;"']+)"""
_SPOKEN = tuple(
    (word, re.compile(before + _QUOTED_OR_WORD, re.IGNORECASE | re.MULTILINE))
    for word, before in (
        ("sshpass", r"((?<!\S)-p\s*)"),
        ("mysql", r"((?-i:(?<!\S)-p))"),
        ("mariadb", r"((?-i:(?<!\S)-p))"),
        ("curl", r"""((?<!\S)(?:-u|--user|--proxy-user)[ =]*["']?[^\s:"']+:(?!//))"""),
        ("smbclient", r"((?<!\S)-U\s*[^\s%]+%)"),
        ("chpasswd", r"""((?<![\w.-])[a-z_][\w.-]*:)"""),
        ("identified", r"(\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+(?:password\s+)?)"),
        ("login", r"(\blogin\s+\S+\s+password\s+)"),
        ("psk", r"""(\bpsk\s+(?=["'0]))"""),
        ("snmp-server", r"(\bcommunity\s+)"),
        ("com2sec", r"(^[ \t]*com2sec6?\s+(?:-Cn\s+\S+\s+)?\S+\s+\S+\s+)"),
        ("sink", r"(^[ \t]*(?:trap2?|inform)sink\s+\S+\s+)"),
        ("createuser", r"(\s(?:MD5|SHA(?:-?\d+)?|AES(?:-?\d+)?|DES)\s+)"),
    )
)
"""Commands and statements that have a secret at a certain place, by a word that is in them."""
_ELEMENT = re.compile(r"(<(?:\w+:)?([A-Za-z][\w.-]*)(?:\s[^<>]*)?>)([^<>]+)(?=</)")
_NAME_AND_VALUE = re.compile(
    r"""((?:\bname|\bkey|\bid)\s*=\s*["']([^"'\n]+)["'][^<>\n]*?\bvalue\s*=\s*|["']([A-Za-z][\w.-]*)["']\s*,\s*)"""
    r"""("[^"\n]*"|'[^'\n]*')"""
)
_QUERY = re.compile(r"(?<=[?&])([A-Za-z][\w.-]*)(=)([^&\s\"'<>]+)")
_PATH = re.compile(r"(?:/[\w.%-]+){2,}")
_AUTHORIZATION = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_ACCOUNT = re.compile(r"^([a-z_][\w.-]*\$?):([^:\s]*):(?=[^:\n]*:)", re.MULTILINE)


def secret_name(name: str) -> bool:
    """Whether a setting of this name holds a secret."""
    if _ABOUT.search(name):
        return False
    return _NAMED.search("_".join(_CAMEL.split(name))) is not None


def masked_value(name: str | None, value: str) -> str:
    """A setting's value, masked where the name says so or where it is a secret by its looks."""
    return masked(masked_plain(name, value) if name else value)


def masked_looks(text: str) -> str:
    """Any text, with what is a secret by its looks masked."""
    text = _KEY_BLOCK.sub(MASK, text)
    text = _HASHES.sub(MASK, text)
    text = _URL.sub(MASK, text)
    return _AUTHORIZATION.sub(rf"\1 {MASK}", text)


def masked(text: str) -> str:
    """Text from the host, with the secrets in it masked: by their looks, and by the names before them."""
    text = masked_looks(text[:MAX_CHARACTERS])
    text = _BLOCK.sub(_block, _without_spoken(text))
    text = _NAME_AND_VALUE.sub(_named, _ELEMENT.sub(_element, _QUERY.sub(_assigned, text)))
    return _OPTION.sub(_option, _ASSIGNED.sub(_assigned, text))


def masked_line(text: str) -> str:
    """A line of a configuration file: the first word may be a name without a sign behind it."""
    text = _ACCOUNT.sub(_account, _BLOCK.sub(_block, text[:MAX_CHARACTERS]))
    if "pam_" not in text:
        text = _FIRST_WORD.sub(_first_word, text)
    return masked(text)


def _without_spoken(text: str) -> str:
    words = text.lower()
    for word, pattern in _SPOKEN:
        if word in words:
            text = pattern.sub(rf"\1{MASK}", text)
    return text


def _block(found: re.Match[str]) -> str:
    hidden = f"{found[1]}  {MASK}" + ("\n" if found[4].endswith("\n") else "")
    return f"{found[1]}{found[2]}{hidden if secret_name(found[3]) else found[4]}"


def _assigned(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{masked_plain(found[1], found[3])}"


def _element(found: re.Match[str]) -> str:
    """`<password>…</password>`"""
    return found[1] + masked_plain(found[2], found[3])


def _named(found: re.Match[str]) -> str:
    """`name="password" value="…"`, `"password", "…"`"""
    return found[1] + masked_plain(found[2] or found[3], found[4])


def _option(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{masked_plain(found[1].lstrip('-'), found[3])}"


def _first_word(found: re.Match[str]) -> str:
    """All the rest of the line, but for `yes # a comment`."""
    if found[3].split(maxsplit=1)[0].lower() in _PLAIN_WORDS:
        return found[0]
    return f"{found[1]}{found[2]}{masked_plain(found[1].strip(), found[3])}"


def _account(found: re.Match[str]) -> str:
    plain = found[2] in _PLAIN_WORDS_OR_MARKS or found[2].isdigit()
    return found[0] if plain else f"{found[1]}:{MASK}:"


def masked_plain(name: str, value: str) -> str:
    """Like `masked_value`, for a value that is part of a text which is looked through anyway."""
    bare = value.strip("\"'= ")
    if bare.lower() in _PLAIN_WORDS_OR_MARKS or not secret_name(name):
        return value
    if name.lower().endswith("key") and _PATH.fullmatch(bare):
        return value
    return MASK
