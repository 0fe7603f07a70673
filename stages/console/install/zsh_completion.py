"""Completion for zsh, made from the parser. Pure."""

import argparse
import shlex
from collections.abc import Sequence

from stages.console.completion_values import COMMAND, Kind
from stages.console.install.completion import (
    Offered,
    OfferedCommand,
    first_names,
    group_names,
    offered_commands,
)

_SCRIPT = """\
#compdef compliance-agent
# zsh completion of compliance-agent; made from its parser.
_compliance_agent() {{
    local -a offered others
    local command="$words[2]"
    if (( CURRENT == 2 )); then
        offered=({commands} --help --version)
        compadd -a offered
        return
    fi
    case "$command" in
        {groups}) (( CURRENT == 3 )) || command+=" $words[3]" ;;
    esac
    case "$command $words[CURRENT-1]" in
{values}
    esac
    if (( ! $#offered )); then
        case "$command" in
{options}
        esac
    fi
    # Options are offered where one is being typed, or where nothing else can follow.
    others=(${{offered:#-*}})
    if [[ $PREFIX != -* ]] && (( $#others )); then
        offered=($others)
    fi
    compadd -a offered || _files
}}
_compliance_agent "$@"
"""


def zsh_completion(parser: argparse.ArgumentParser) -> str:
    commands = offered_commands(parser)
    options, values = [], []
    for command in commands:
        options.append(f'            "{command.name}") offered=({_words(command)}) ;;')
        for patterns, argument in command.options_with_value():
            values.append(f"        {patterns}) {_value(argument)} ;;")
    return _SCRIPT.format(
        commands=_quoted(first_names(commands)),
        groups="|".join(group_names(commands)) or "''",
        options="\n".join(options),
        values="\n".join(values),
    )


def _words(command: OfferedCommand) -> str:
    fixed, kinds = command.candidates()
    return " ".join([_quoted(fixed), *map(_found, kinds)])


def _value(argument: Offered) -> str:
    if argument.choices:
        return f"offered=({_quoted(argument.choices)})"
    if argument.kind:
        return f"offered=({_found(argument.kind)})"
    return "_files; return"


def _quoted(words: Sequence[str]) -> str:
    return " ".join(map(shlex.quote, words))


def _found(kind: Kind) -> str:
    return f'${{(f)"$({COMMAND} {kind} "$words[3]" 2>/dev/null)"}}'
