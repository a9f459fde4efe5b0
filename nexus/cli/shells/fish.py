"""The completion script of fish."""

from __future__ import annotations

from nexus.cli.shells.candidates import steps_of, valued_options, values_of
from nexus.cli.tree import Command, Option


def write(root: Command) -> str:
    """The script."""
    steps = "".join(
        f"            case '{at}:{word}'\n                set at '{at} {word}'\n"
        for at, word in steps_of(root)
    )
    skips = "".join(
        f"            case '{at}:{name}'\n                set skip 1\n"
        for at, name, _ in valued_options(root)
    )
    lines: list[str] = []
    for command in root.walk():
        start = f"complete -c nexus -n '__nexus_at \"{command.path}\"'"
        lines += (
            f"{start} -a {child.name} -d {_fish_text(child.help)}" for child in command.commands
        )
        for argument in command.arguments:
            if argument.takes_file:
                lines.append(f"{start} -F")
            elif argument.choices:
                lines.append(f"{start} -a '{values_of(argument)}' -d {_fish_text(argument.help)}")
        lines += (f"{start} {_fish_option(option)}" for option in command.options)
    return _FISH.format(steps=steps, skips=skips, lines="\n".join(lines))


def _fish_option(option: Option) -> str:
    names = " ".join(
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
    )
    value = ""
    if option.takes_file:
        value = " -r -F"
    elif option.choices:
        value = f" -x -a '{values_of(option)}'"
    elif option.metavar:
        value = " -x"
    return f"{names}{value} -d {_fish_text(option.help)}"


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_FISH = """\
# fish completion for nexus:  nexus completions fish > ~/.config/fish/completions/nexus.fish
function __nexus_at --description 'Whether the words typed so far lead to this command'
    set -l at nexus
    set -l skip
    for word in (commandline -opc)[2..-1]
        if test -n "$skip"
            set skip
            continue
        end
        switch "$at:$word"
{steps}{skips}        end
    end
    test "$at" = "$argv[1]"
end
complete -c nexus -f
{lines}
"""
