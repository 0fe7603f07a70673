"""Masks secrets of the host in evidence: how they are recognized, and what is shown instead. Pure.

Masked are password hashes, private keys, credentials in URLs, and the values of settings whose name
contains secret, token, key or password. A value is searched for settings itself, to a bounded
depth: `Environment=DB_PASSWORD=…`, kernel command lines, connection strings, JSON in quotes.

Not masked are yes and no, settings whose name shows that the value is about such a thing and not
the thing itself (its length, age, file, algorithm), and what only looks like a secret: sudo's
`NOPASSWD:`, the `passwd:` of nsswitch.conf, names such as `compass` and `tokenizer`.
"""

import re

from stages.scanners.secret_commands import masked_commands

MASK = "********"
MAX_CHARACTERS = 4000
"""Longer texts are cut before they are searched: the rest might be a secret, or take too long."""


def _pattern(*alternatives: str) -> str:
    return "|".join(alternatives)


_SECRET_NAME = re.compile(
    _pattern(
        r"secret(?!ar)|token(?!i[sz]|_?ring)|passphrase|passcode|credential",
        # sudo's NOPASSWD, and not "casinopassword".
        r"(?<!^no)(?<![^a-z]no)passw",
        r"pwd$|^pwd|bindpw|authtok",
        r"(?<!by)(?<!com)(?<!tres)(?<!sur)(?<!under)(?<!over)pass$",
        r"(?:^|[a-z0-9_.-])"
        r"(?:api|private|priv|auth|access|shared|encryption|signing|master|pre)[_.-]?keys?$",
        r"(?:^|[_.\-/ ])keys?(?:$|[_.\- ])",
        r"(?:^|[_.-])psk(?:$|[_.-])",
        r"(?:^|[_.-]|root)pw$|masterauth$|community6?$",
    ),
    re.IGNORECASE,
)
_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ABOUT_A_SECRET = re.compile(
    r"(?:^|[_.-])(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached)_pass$"
    r"|^loadcredential(?:encrypted)?$|(?:^|_)passwords?_pam_|_login_defs$"
    r"|(?:public|primary|foreign|sort|cache|partition|index)[_.-]?keys?$"
    r"|(?:days|length|len|age|min|max|files?|path|dir|algorithms?|types?|authentication|authorized"
    r"|command|user|limit|count|retry|retries|history|remember|attempts|expir(?:e|y|ation)|bits"
    r"|size|timeout|interval|lifetime|policy|method|quality|complexity|mgmt|format|usage|name|id"
    r"|warn|change|aging|maxkeys|maxbytes|passwords|agent|tries|ttl)$",
    re.IGNORECASE,
)
_HARMLESS_VALUES = frozenset(
    (
        *("yes", "no", "true", "false", "on", "off", "none", "sha512"),
        *("enabled", "disabled", "enable", "disable"),
        *("null", "nil", "<hidden>", "<redacted>", "<none>"),
    )
)
_NO_PASSWORD = frozenset(("x", "*", "!", "!!", "!*", ""))
_HASHES = re.compile(
    _pattern(
        r"\$(?:[1-9]|2[abxy]|y|gy|md5(?:,rounds=\d+)?|sha1|sm3|apr1|argon2\w*|scrypt"
        r"|pbkdf2\S{0,9}|bcrypt\S{0,9}|[PHS])\$[./A-Za-z0-9=,+$-]{8,}",
        # BSDi's extended DES.
        r"(?<![\w./])_[./A-Za-z0-9]{19}(?![\w./])",
        r"grub\.pbkdf2\.\w+(?:\.[A-Fa-f0-9]+)+",
        r"\{(?:SSHA|SHA|SMD5|MD5|CRYPT)\d*\}\S+",
    )
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL
)
_URL_CREDENTIALS = re.compile(r"(?<=://)[^\s/:@]*:[^\s/\"'<>]+(?=@)")
"""To the last @, because a password may hold one."""
_SERVICE_TOKENS = re.compile(
    _pattern(
        # GitHub, GitLab, Slack, Stripe, Google.
        r"\b(?:gh[opsur]_|github_pat_|glpat-|xox[abeoprs]-|[sr]k_(?:live|test)_|AIza)[\w-]{10,}",
        r"(?<=hooks\.slack\.com/services/)[\w/]{10,}",
        # The signature of an address that anybody may use.
        r"(?<=[?&]sig=)[\w%+/=-]{6,}",
        # A signed JSON Web Token.
        r"\beyJ[\w-]{8,}\.eyJ[\w-]*\.[\w-]{8,}",
    )
)
_JSON_LIST = re.compile(
    r"""("([A-Za-z][\w.-]*)"\s*:\s*|'([A-Za-z][\w.-]*)'\s*:\s*)\[[^\[\]\n]*\]"""
)
_MAX_NESTING = 4
_ASSIGNMENT = re.compile(
    r"""(?<!-F )(?<![\w/.])([A-Za-z][\w.-]*)(\\?["']?\s*(?:=>|::|[=:])\s*)"""
    r"""(\\["'][^"'\\\n]*\\["']|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[^\s,;"']+)"""
)
_QUOTED_ASSIGNMENT = re.compile(
    r"""("([A-Za-z][\w.-]*)=)((?:[^"\\\n]|\\.)*)(?=")"""
    r"""|('([A-Za-z][\w.-]*)=)((?:[^'\\\n]|\\.)*)(?=')"""
)
"""The value of `"DB_PASSWORD=two words"` goes to the quote."""
_NSSWITCH_SERVICES = re.compile(
    r"(?:\s*(?:files|compat|db|nis|nisplus|ldap|sss|systemd|winbind|extrausers|hesiod|dns"
    r"|\[\S*\]))+\s*"
)
_OPTION = re.compile(r"""(?<![^\s"'])(--?[A-Za-z][\w-]*)(\s+)("[^"\n]*"|'[^'\n]*'|[^\s-]\S*)""")
_NAME_AND_REST = re.compile(
    r"^(\s*[A-Za-z][\w.-]*)([ \t]*(?:=>|[=:])[ \t]*(?![=:>])|[ \t]+)([^\s=:].*)$", re.MULTILINE
)
_YAML_BLOCK = re.compile(
    r"""^([ \t]*)"""
    r"""((?:- )?["']?([A-Za-z][\w.-]*)["']?\s*:[ \t]*(?:!\S+[ \t]*)?[|>][-+\d]*[ \t]*\n)"""
    r"((?:\1[ \t]+[^\n]*\n?)+)",
    re.MULTILINE,
)
"""The value is what follows, as long as it is indented further."""
_XML_ELEMENT = re.compile(r"(<(?:\w+:)?([A-Za-z][\w.-]*)(?:\s[^<>]*)?>)([^<>]+)(?=</)")
_NAME_AND_VALUE = re.compile(
    r"""((?:\bname|\bkey|\bid)\s*=\s*["']([^"'\n]+)["'][^<>\n]*?\bvalue\s*=\s*"""
    r"""|["']([A-Za-z][\w.-]*)["']\s*,\s*)"""
    r"""("[^"\n]*"|'[^'\n]*')"""
)
_QUERY_PARAMETER = re.compile(r"(?<=[?&])([A-Za-z][\w.-]*)(=)([^&\s\"'<>]+)")
_NAMES_OF_SERVICES = frozenset(("passwd", "passwd_compat"))
_NAMES_OF_DIRECTORIES = frozenset(("pwd", "oldpwd"))
_NAMES_OF_PATHS = ("key", "credential", "credentials", "cache")
"""A path after such a name is where the secret is, and not the secret."""
_PATH = re.compile(r"(?:/[\w.%-]+){2,}")
_AUTHORIZATION = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_SHADOW_ENTRY = re.compile(r"^([a-z_][\w.-]*\$?):(?!//)([^:\s]*):(?=[^:\n]*:)", re.MULTILINE)
"""A URL is not an entry."""


def is_secret_name(name: str) -> bool:
    """Whether a setting of this name holds a secret."""
    if _ABOUT_A_SECRET.search(name):
        return False
    return _SECRET_NAME.search("_".join(_CAMEL_CASE.split(name))) is not None


def masked_value(name: str | None, value: str) -> str:
    """A setting's value, masked if its name or its form shows that it is a secret."""
    if name:
        value = masked_if_named(name, value)
    return masked(value)


def masked_forms(text: str) -> str:
    """The text with everything masked that has the form of a secret: hashes, keys, credentials."""
    text = _PRIVATE_KEY.sub(MASK, text)
    text = _HASHES.sub(MASK, text)
    text = _URL_CREDENTIALS.sub(MASK, text)
    text = _SERVICE_TOKENS.sub(MASK, text)
    return _AUTHORIZATION.sub(rf"\1 {MASK}", text)


def masked(text: str) -> str:
    """Text from the host with its secrets masked, by their form and by the names before them."""
    text = masked_forms(text[:MAX_CHARACTERS])
    # What spans several words or lines comes before the single assignments: these would mask its
    # first word and leave the rest.
    text = masked_commands(text, MASK)
    text = _YAML_BLOCK.sub(_mask_block, text)
    text = _QUERY_PARAMETER.sub(_mask_assignment, text)
    text = _XML_ELEMENT.sub(_mask_element, text)
    text = _NAME_AND_VALUE.sub(_mask_named_value, text)
    text = _JSON_LIST.sub(_mask_list, text)
    text = _QUOTED_ASSIGNMENT.sub(_mask_quoted_assignment, text)
    text = _masked_assignments(text, 0)
    return _OPTION.sub(_mask_option, text)


def masked_text(text: str) -> str:
    """The same for a text of any length, by whole lines. A line beyond the limit ends in `…`."""
    pieces: list[str] = []
    piece = ""
    for line in masked_forms(text).splitlines(keepends=True):
        if len(line) > MAX_CHARACTERS:
            line = line[: MAX_CHARACTERS - 2] + "…\n"  # noqa: PLW2901
        if len(piece) + len(line) > MAX_CHARACTERS:
            pieces.append(masked(piece))
            piece = ""
        piece += line
    pieces.append(masked(piece))
    return "".join(pieces)


def masked_line(text: str) -> str:
    """The same for a line of a configuration file, where a name may stand without `=` or `:`."""
    text = _YAML_BLOCK.sub(_mask_block, text[:MAX_CHARACTERS])
    text = _SHADOW_ENTRY.sub(_mask_shadow_entry, text)
    if "pam_" not in text:
        text = _NAME_AND_REST.sub(_mask_rest, text)
    return masked(text)


def masked_if_named(name: str, value: str) -> str:
    """The value, masked if the name is that of a secret; the value itself is not searched."""
    if not is_secret_name(name):
        return value
    bare = value.strip("\"'=; ")
    if bare.lower() in _NO_PASSWORD | _HARMLESS_VALUES or _is_about_a_secret(name.lower(), bare):
        return value
    return MASK


def _is_about_a_secret(name: str, value: str) -> bool:
    """Whether the value shows where a secret is, or who may change it, and is not the secret."""
    if name in _NAMES_OF_SERVICES:
        # `passwd: files sss` in nsswitch.conf, `PASSWD: ALL` in sudoers.
        services = _NSSWITCH_SERVICES.fullmatch(value.partition("#")[0])
        return services is not None or value == "ALL" or value.startswith("/")
    if name in _NAMES_OF_DIRECTORIES:
        return value.startswith("/")
    return name.endswith(_NAMES_OF_PATHS) and _PATH.fullmatch(value) is not None


def _masked_assignments(text: str, depth: int) -> str:
    """Settings in the text, and in the values of settings.

    What follows a name that is not secret may be the next name (`root: password => …`), so the
    search goes on at the value and not behind it.
    """
    pieces: list[str] = []
    copied = start = 0
    while found := _ASSIGNMENT.search(text, start):
        name, _, value = found.groups()
        shown = masked_if_named(name, value)
        is_quoted = value[0] in "\"'\\"
        if shown == value and not is_quoted:
            start = found.start(3)
            continue
        if shown == value and depth < _MAX_NESTING:
            shown = _masked_assignments(value, depth + 1)
        pieces += (text[copied : found.start(3)], shown)
        copied = start = found.end()
    pieces.append(text[copied:])
    return "".join(pieces)


def _mask_quoted_assignment(found: re.Match[str]) -> str:
    """`"DB_PASSWORD=two words"`"""
    if found[1] is not None:
        return found[1] + masked_if_named(found[2], found[3])
    return found[4] + masked_if_named(found[5], found[6])


def _mask_block(found: re.Match[str]) -> str:
    """A YAML block; its indentation and the end of its last line stay."""
    indent, key, name, block = found.groups()
    if not is_secret_name(name):
        return found[0]
    end = ""
    if block.endswith("\n"):
        end = "\n"
    return f"{indent}{key}{indent}  {MASK}{end}"


def _mask_assignment(found: re.Match[str]) -> str:
    name, sign, value = found.groups()
    return f"{name}{sign}{masked_if_named(name, value)}"


def _mask_element(found: re.Match[str]) -> str:
    """`<password>…</password>`"""
    tag, name, value = found.groups()
    return tag + masked_if_named(name, value)


def _mask_named_value(found: re.Match[str]) -> str:
    """`name="password" value="…"`, `"password", "…"`"""
    start, attribute, quoted_name, value = found.groups()
    return start + masked_if_named(attribute or quoted_name, value)


def _mask_list(found: re.Match[str]) -> str:
    """`"passwords": ["…", "…"]`"""
    start, quoted_name, other_name = found.groups()
    name = quoted_name or other_name
    if is_secret_name(name) or is_secret_name(name.removesuffix("s")):
        return f"{start}[{MASK}]"
    return found[0]


def _mask_option(found: re.Match[str]) -> str:
    option, blanks, value = found.groups()
    return f"{option}{blanks}{masked_if_named(option.lstrip('-'), value)}"


def _mask_rest(found: re.Match[str]) -> str:
    """All the rest of the line, but for `yes # a comment`."""
    name, sign, rest = found.groups()
    if rest.split(maxsplit=1)[0].lower() in _HARMLESS_VALUES:
        return found[0]
    return f"{name}{sign}{masked_if_named(name.strip(), rest)}"


def _mask_shadow_entry(found: re.Match[str]) -> str:
    """`root:HASH:…`; a number in place of the hash is a uid."""
    account, field = found.groups()
    if field in _NO_PASSWORD | _HARMLESS_VALUES or field.isdigit():
        return found[0]
    return f"{account}:{MASK}:"
