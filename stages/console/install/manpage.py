"""The man page, made from the parser: roff. Pure.

Source of the format: man-pages(7), groff_man(7).
"""

import argparse
from collections.abc import Iterator

from stages.console.install.install_paths import CONFIG, KEY, RUNTIME, SPOOL

_FILES = (
    (CONFIG, "settings; `compliance-agent config keys` lists them"),
    (KEY, "the API key"),
    (SPOOL, "pending and delivered scans; the README of the spool package describes the format"),
    (RUNTIME, "the sockets of the stages"),
)


def man_page(parser: argparse.ArgumentParser, version: str) -> str:
    lines = [
        (
            '.TH COMPLIANCE\\-AGENT 1 ""'
            f' "compliance\\-agent {_text(version)}" "System administration"'
        ),
        ".SH NAME",
        "compliance\\-agent \\- compliance scans of this host, delivered to a PatchMon server",
        ".SH SYNOPSIS",
        ".B compliance\\-agent",
        ".I COMMAND",
        "[options]",
        ".SH DESCRIPTION",
        _text(parser.description or ""),
        ".SH COMMANDS",
        "Each command lists its options with",
        ".BR \\-\\-help .",
    ]
    for name, command in subcommands(parser).items():
        lines += _command(name, command)
    lines += [".SH EXIT STATUS", *_exit_codes(parser.epilog or ""), ".SH FILES"]
    for path, description in _FILES:
        lines += [".TP", f".I {_text(str(path))}", _text(description)]
    lines += [".SH SEE ALSO", ".BR systemctl (1),", ".BR journalctl (1)"]
    return "\n".join(lines) + "\n"


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of a parser, by name."""
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= action.choices
    return found


def _command(command_name: str, command: argparse.ArgumentParser) -> Iterator[str]:
    yield ".SS"
    yield f"compliance\\-agent {_text(command_name)} {' '.join(_usage(command))}".rstrip()
    yield _text(command.description or "Run one stage in the foreground: what the units start.")
    for action in command._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        name = ", ".join(action.option_strings) or _value(action)
        yield ".TP"
        yield f".B {_text(name)}{_value_of_option(action)}"
        yield _text(_help(action)) or "(no description)"


def _usage(command: argparse.ArgumentParser) -> Iterator[str]:
    for action in command._actions:
        if not action.option_strings:
            value = _text(_value(action))
            if action.nargs in ("*", "+"):
                value = f"{value} ..."
            if action.nargs in ("?", "*"):
                value = f"[{value}]"
            yield value


def _value_of_option(action: argparse.Action) -> str:
    if action.option_strings and action.nargs != 0:
        return f" {_text(_value(action))}"
    return ""


def _value(action: argparse.Action) -> str:
    if action.metavar:
        return str(action.metavar)
    if action.choices:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper()


def _help(action: argparse.Action) -> str:
    """The help of an option, with its default filled in."""
    return (action.help or "") % {**vars(action), "prog": "compliance-agent"}


def _exit_codes(epilog: str) -> Iterator[str]:
    for each in epilog.partition(": ")[2].split("; "):
        code, _, meaning = each.partition(" ")
        yield from (".TP", f".B {_text(code)}", _text(meaning))


def _text(plain: str) -> str:
    """Plain text: no line of it is a roff request, and hyphens stay hyphens."""
    escaped = plain.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    if escaped.startswith("."):
        return f"\\&{escaped}"
    return escaped
