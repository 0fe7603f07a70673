"""Completion for bash, zsh and fish, made from the parser. Pure.

Commands, their options and fixed choices come from the parser; scans, profiles and rules from
the program itself (`compliance-agent __complete`); where a file is wanted, the shell offers
files.
"""

import argparse
from collections.abc import Iterator, Sequence

from schemas.records import Struct, field
from stages.console.completion_values import COMMAND, Kind
from stages.console.install.manpage import subcommands

_KINDS: dict[str, Kind] = {
    "ID": "scans",
    "A": "scans",
    "B": "scans",
    "P": "profiles",
    "RULE": "rules",
}
"""By the name that a value has in the help."""


class Offered(Struct, frozen=True):
    """An option or a positional argument, and what may stand for its value."""

    options: Sequence[str]
    """Empty for a positional argument."""
    help: str
    takes_value: bool
    choices: Sequence[str] = ()
    kind: Kind | None = None


class OfferedCommand(Struct, frozen=True):
    name: str
    """With that of its group, where it is in one: `fleet add`."""
    help: str
    arguments: Sequence[Offered] = field(default_factory=tuple)

    def candidates(self) -> tuple[list[str], list[Kind]]:
        """Options and choices; and the kinds of its positional arguments, to be looked up."""
        fixed: list[str] = []
        kinds: dict[Kind, None] = {}
        for argument in self.arguments:
            fixed += argument.options or argument.choices
            if argument.kind and not argument.options:
                kinds[argument.kind] = None
        return fixed, list(kinds)

    def options_with_value(self) -> Iterator[tuple[str, Offered]]:
        """The options behind which a value comes, each with the pattern of a shell's `case` for
        this command with that option.
        """
        for argument in self.arguments:
            if argument.options and argument.takes_value:
                patterns = [f'"{self.name} {option}"' for option in argument.options]
                yield "|".join(patterns), argument


def offered_commands(parser: argparse.ArgumentParser) -> list[OfferedCommand]:
    """What the parser takes."""
    found = []
    for name, command in subcommands(parser).items():
        found.append(_offered_command(name, command))
        for inner_name, inner in subcommands(command).items():
            found.append(_offered_command(f"{name} {inner_name}", inner))
    return found


def first_names(commands: Sequence[OfferedCommand]) -> list[str]:
    """What may stand behind the name of the program."""
    return [command.name for command in commands if " " not in command.name]


def group_names(commands: Sequence[OfferedCommand]) -> list[str]:
    """The commands that have commands of their own."""
    return list(dict.fromkeys(each.name.split()[0] for each in commands if " " in each.name))


def _offered_command(name: str, command: argparse.ArgumentParser) -> OfferedCommand:
    arguments = list(map(_offered, command._actions))
    return OfferedCommand(name, command.description or "", arguments)


def _offered(action: argparse.Action) -> Offered:
    return Offered(
        options=action.option_strings,
        help=(action.help or "").partition(":")[0].partition("(default")[0].strip(),
        takes_value=action.nargs != 0,
        choices=tuple(map(str, action.choices or ())),
        kind=_KINDS.get(str(action.metavar)),
    )


_BASH = """\
# bash completion of compliance-agent; made from its parser.
_compliance_agent() {{
    local current=$2 before=$3 command=${{COMP_WORDS[1]}} words=
    COMPREPLY=()
    case "$command" in
        {groups}) [ "$COMP_CWORD" -le 2 ] || command+=" ${{COMP_WORDS[2]}}" ;;
    esac
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
    # Options are offered where one is being typed, or where nothing else can follow.
    if [[ $current != -* ]]; then
        local word others=
        for word in $words; do
            [[ $word == -* ]] || others+=" $word"
        done
        words=${{others:-$words}}
    fi
    # No candidate contains a blank.
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o default -F _compliance_agent compliance-agent
"""


def bash_completion(parser: argparse.ArgumentParser) -> str:
    commands = offered_commands(parser)
    options, values = [], []
    for command in commands:
        options.append(f'                "{command.name}") words={_bash_words(command)} ;;')
        for patterns, argument in command.options_with_value():
            values.append(f"            {patterns}) {_bash_value(argument)} ;;")
    return _BASH.format(
        commands=" ".join(first_names(commands)),
        groups="|".join(group_names(commands)) or "''",
        options="\n".join(options),
        values="\n".join(values),
    )


def _bash_words(command: OfferedCommand) -> str:
    """Options and choices as one quoted word; then the values of positional arguments."""
    fixed, kinds = command.candidates()
    return quoted(fixed) + "".join(f'" $({_bash_call(kind)})"' for kind in kinds)


def _bash_value(argument: Offered) -> str:
    """What may follow an option: candidates, or anything (then bash offers files)."""
    if argument.choices:
        return f"words={quoted(argument.choices)}"
    if argument.kind:
        return f'words="$({_bash_call(argument.kind)}) "'
    return "return"


def _bash_call(kind: Kind) -> str:
    # The scan whose rules are wanted is the first argument of the command.
    return f'{COMMAND} {kind} "${{COMP_WORDS[2]}}" 2>/dev/null'


def quoted(words: Sequence[str]) -> str:
    """One word for a shell. Raises ValueError for anything that it would interpret."""
    merged = " ".join(words)
    if set(merged) & set("'\\\n"):
        raise ValueError(f"no word for a shell: {merged!r}")
    return f"'{merged}'"
