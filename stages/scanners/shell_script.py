"""What a bash script uses and changes, as far as its text shows it. Pure.

A fix of security content is a template that was filled in. Where a value is missing, the script
uses a variable that it never sets, and would write an empty value into a file. Such a script must
not run. Found here are variables that are never set, the files that the script names, and changes
that a copy of the files can't undo.
"""

import re
from collections.abc import Iterator

from schemas.records import Struct
from stages.scanners.shell_marks import MarkedScript, marked

_NAME = r"[A-Za-z_]\w*"
_USE = re.compile(rf"\$(?P<brace>\{{[!#]?)?(?P<name>{_NAME})(?P<operator>(?(brace)[^}}]{{0,2}}|))")
"""The operator is that behind a name in braces, `:-` of `${name:-other}`."""
_GUARDED = ("-", "+", "=", "?", ":-", ":+", ":=", ":?")
"""`${name:-other}` and the like also work where the variable is not set."""
_SET = (
    re.compile(rf"(?<![\w$./%-])({_NAME})(?:\[[^\]\n]*\])?\+?=(?!=)"),
    re.compile(rf"\b(?:for|select)\s+({_NAME})"),
    re.compile(rf"\bprintf\s+-v\s+({_NAME})"),
    re.compile(rf"\bgetopts\s+\S+\s+({_NAME})"),
    re.compile(rf"\(\(\s*({_NAME})\s*[-+*/]?="),
)
_SET_BY_COMMAND = re.compile(
    r"\b(?:read|mapfile|readarray|local|declare|typeset|export|readonly)\b([^\n;|&<>]*)"
)
_SOURCES = re.compile(r"(?:^|[\s;&|(])(?:source|\.)\s+\S", re.MULTILINE)
_GIVEN = re.compile(
    r"BASH\w*|FUNCNAME|PIPESTATUS|RANDOM|SECONDS|LINENO|HOSTNAME|HOSTTYPE|OSTYPE|MACHTYPE|IFS|PWD"
    r"|OLDPWD|PPID|UID|EUID|GROUPS|SHLVL|SHELLOPTS|OPTARG|OPTIND|REPLY|MAPFILE|COPROC|EPOCH\w*|_"
    r"|PATH|LANG|HOME|TMPDIR|TERM|SHELL"
)
_PATH = re.compile(r"(?<![\w.$}/*\\-])/(?:[\w.@+:%~-]+/)*[\w.@+:%~-]*[\w@+~%-]")
_QUOTED_WITH_BLANKS = re.compile(r"""(["'])(/[\w.@+:%~/-]+(?: [\w.@+:%~/-]+)+)\1""")
"""A path with blanks, of which the other pattern has only the beginning."""
_NOT_FILES = ("/dev/", "/proc/", "/sys/")
_QUOTE = r"[\"']?"
_ARGUMENTS = r"[^\n;&|]*"
_NOT_UNDONE = (
    (
        "services",
        re.compile(
            rf"(?:\bsystemctl|\$\{{?SYSTEMCTL_EXEC\}}?){_QUOTE}[ \t]+(?:--?\S+[ \t]+)*"
            r"(?:re)?(?:start|stop|load|load-or-restart|isolate|kill|try-restart|mask|unmask"
            rf"|enable|disable|daemon-reload)\b{_ARGUMENTS}"
            rf"|\bservice[ \t]+\S+[ \t]+(?:re)?(?:start|stop|load)\b"
        ),
    ),
    (
        "packages",
        re.compile(
            r"\b(?:apt-get|apt|dnf|yum|zypper|microdnf|tdnf|rpm-ostree)[ \t]+(?:-\S+[ \t]+)*"
            rf"(?:install|remove|purge|erase|autoremove|upgrade|update)\b{_ARGUMENTS}"
            rf"|\b(?:dpkg|rpm)[ \t]+(?:-[iUePr]\w*|--(?:install|remove|purge|erase)){_ARGUMENTS}"
        ),
    ),
    ("kernel parameters", re.compile(rf"\bsysctl[ \t]+{_ARGUMENTS}(?:-w|--write|=){_ARGUMENTS}")),
    ("kernel modules", re.compile(rf"\b(?:modprobe|rmmod|insmod)[ \t]+{_ARGUMENTS}")),
    ("mounts", re.compile(rf"\b(?:u?mount)[ \t]+{_ARGUMENTS}")),
    (
        "boot files",
        re.compile(
            r"\b(?:update-grub2?|grub2?-mkconfig|grubby|update-initramfs|dracut|zipl)\b"
            rf"{_ARGUMENTS}"
        ),
    ),
    (
        "firewall and audit rules",
        re.compile(rf"\b(?:nft|ip6?tables|ufw|firewall-cmd|augenrules|auditctl)[ \t]+{_ARGUMENTS}"),
    ),
    ("files found by a search", re.compile(rf"\bfind[ \t]+{_ARGUMENTS}-(?:exec|delete)")),
)
_SYSTEMCTL = re.compile(r"\$\{?SYSTEMCTL_EXEC\}?")
_MOST_NAMED = 5
_MOST_CHARACTERS = 100


class ShellScript(Struct, frozen=True):
    """The findings about one script."""

    unset: tuple[str, ...]
    """Variables that it uses and never sets."""
    paths: tuple[str, ...]
    """Absolute paths that it names, sorted."""
    not_undone: tuple[str, ...]
    """Changes that a copy of the files can't undo: `services: systemctl restart sshd`."""


def examine(script: str, optional_variables: str | None = None) -> ShellScript:
    """`optional_variables`: how the names of variables begin that need not be set."""
    marks = marked(script)
    text = _without_comments(script, marks)
    paths = {found[0] for found in _PATH.finditer(text)}
    paths.update(found[2] for found in _QUOTED_WITH_BLANKS.finditer(text))
    named = sorted(path for path in paths if not path.startswith(_NOT_FILES))
    return ShellScript(
        tuple(_unset(marks, optional_variables)), tuple(named), tuple(_not_undone(text))
    )


def _unset(marks: MarkedScript, optional_variables: str | None) -> Iterator[str]:
    """In the order in which they are used; each once."""
    known = _set_names(marks)
    sources_others = _SOURCES.search(marks.code) is not None
    for use in _USE.finditer(marks.expanded):
        name = use["name"]
        if name in known:
            continue
        known.add(name)
        if use["operator"].startswith(_GUARDED) or _GIVEN.fullmatch(name):
            continue
        if optional_variables is not None and name.startswith(optional_variables):
            continue
        # A file that is sourced may set any such name, as os-release does.
        if sources_others and name.isupper():
            continue
        yield name


def _set_names(marks: MarkedScript) -> set[str]:
    names: set[str] = set()
    for pattern in _SET:
        names.update(pattern.findall(marks.code))
    for command in _SET_BY_COMMAND.finditer(marks.code):
        names.update(re.findall(rf"(?<![\w-]){_NAME}", command[1]))
    for use in _USE.finditer(marks.expanded):
        if use["operator"].startswith((":=", "=")):
            names.add(use["name"])
    return names


def _without_comments(script: str, marks: MarkedScript) -> str:
    """The script without lines that are comments. Quoted text stays: it names files, too."""
    lines = []
    for line, code in zip(script.split("\n"), marks.code.split("\n"), strict=False):
        is_literal = code.strip(" \t\x01") == ""
        if is_literal and line.lstrip().startswith("#"):
            lines.append("")
        else:
            lines.append(line)
    return "\n".join(lines)


def _not_undone(text: str) -> Iterator[str]:
    for what, pattern in _NOT_UNDONE:
        found = dict.fromkeys(_one_line(match[0]) for match in pattern.finditer(text))
        named = list(found)[:_MOST_NAMED]
        if len(found) > _MOST_NAMED:
            named.append(f"{len(found) - _MOST_NAMED} more")
        if named:
            yield f"{what}: {'; '.join(named)}"


def _one_line(text: str) -> str:
    plain = _SYSTEMCTL.sub("systemctl", text).replace('"', "").replace("'", "")
    return " ".join(plain.split())[:_MOST_CHARACTERS]
