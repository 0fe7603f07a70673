"""Completion for bash, made from the parser. Pure.

Commands, their options and fixed choices; a value that is a file is completed as one.
"""

import argparse

from stages.console.install.manpage import subcommands

_SCRIPT = """\
# bash completion of compliance-agent; made from its parser.
_compliance_agent() {{
    local current=$2 before=$3 command=${{COMP_WORDS[1]}} words=
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="{commands} --help --version"
    else
        case "$command $before" in
{values}
        esac
        if [ -z "$words" ]; then
            case "$command" in
{options}
            esac
        fi
    fi
    # No file has a blank in its name here: the words are this script's own.
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o default -F _compliance_agent compliance-agent
"""


def bash_completion(parser: argparse.ArgumentParser) -> str:
    commands = subcommands(parser)
    options = [
        f"                {name}) words={_quoted(_offered(command))} ;;"
        for name, command in commands.items()
    ]
    values = [line for name, command in commands.items() for line in _values(name, command)]
    return _SCRIPT.format(
        commands=" ".join(commands),
        options="\n".join(options),
        values="\n".join(values) or "        *) ;;",
    )


def _offered(command: argparse.ArgumentParser) -> list[str]:
    message: list[str] = []
    for action in command._actions:
        message += action.option_strings or [str(choice) for choice in action.choices or ()]
    return message


def _values(name: str, command: argparse.ArgumentParser) -> list[str]:
    """What may follow an option: its choices, or anything (then bash offers files)."""
    lines = []
    for action in command._actions:
        if not action.option_strings or action.nargs == 0:
            continue
        patterns = "|".join(f'"{name} {option}"' for option in action.option_strings)
        found = (
            f"words={_quoted([str(choice) for choice in action.choices])}"
            if action.choices
            else "return"
        )
        lines.append(f"            {patterns}) {found} ;;")
    return lines


def _quoted(message: list[str]) -> str:
    """One word for bash. Raises ValueError for anything that it would obey."""
    merged = " ".join(message)
    if set(merged) & set("'\\\n"):
        raise ValueError(f"no word for a shell: {merged!r}")
    return f"'{merged}'"
