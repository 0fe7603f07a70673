"""Completion for fish, made from the parser. Pure."""

import argparse
from collections.abc import Iterator

from stages.console.completion_values import COMMAND
from stages.console.install.completion import (
    Offered,
    OfferedCommand,
    group_names,
    offered_commands,
)

_COMPLETE = "complete -c compliance-agent"


def fish_completion(parser: argparse.ArgumentParser) -> str:
    lines = ["# fish completion of compliance-agent; made from its parser."]
    commands = offered_commands(parser)
    for command in commands:
        if " " not in command.name:
            lines.append(
                f"{_COMPLETE} -n __fish_use_subcommand -f -a {command.name}"
                f" -d {_text(command.help)}"
            )
        lines += _of_command(command, is_group=command.name in group_names(commands))
    return "\n".join(lines) + "\n"


def _condition(command: OfferedCommand, *, is_group: bool) -> str:
    """True where the line begins with the command; of a group, as long as nothing follows it."""
    names = command.name.split()
    tests = [f'test "$line[{at}]" = {name}' for at, name in enumerate(names, 2)]
    if is_group:
        tests.append("test (count $line) = 2")
    return "; and ".join(["set -l line (commandline -opc)", *tests])


def _of_command(command: OfferedCommand, *, is_group: bool) -> Iterator[str]:
    condition = f"{_COMPLETE} -n {_text(_condition(command, is_group=is_group))}"
    for argument in command.arguments:
        value = _value(argument)
        if not argument.options and value:
            yield f"{condition} -f{value}"
        if argument.options:
            names = " ".join(map(_option, argument.options))
            required = ""
            if argument.takes_value:
                required = " -r"
            if value:
                # No files beside the candidates.
                required = " -x"
            yield f"{condition} {names}{required}{value} -d {_text(argument.help)}"


def _option(name: str) -> str:
    if name.startswith("--"):
        return f"-l {name[2:]}"
    return f"-s {name[1:]}"


def _value(argument: Offered) -> str:
    if argument.choices:
        return f" -a {_text(' '.join(argument.choices))}"
    if argument.kind:
        # The scan whose rules are wanted is the first argument of the command.
        return f" -a {_text(f'({COMMAND} {argument.kind} (commandline -opc)[3] 2>/dev/null)')}"
    return ""


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
