"""The completion script of Bash."""

from __future__ import annotations

from nexus.cli.shells.candidates import steps_of, takes_files, valued_options, values_of, words_of
from nexus.cli.tree import Command


def write(root: Command) -> str:
    """The script."""
    steps = "".join(
        f'            "{at}:{word}") at="{at} {word}" ;;\n' for at, word in steps_of(root)
    )
    skips = "".join(
        f'            "{at}:{name}") skip=1 ;;\n' for at, name, _ in valued_options(root)
    )
    values = ""
    for at, name, option in valued_options(root):
        do = "compgen -f" if option.takes_file else f'compgen -W "{values_of(option)}"'
        values += f'        "{at}:{name}") COMPREPLY=($({do} -- "$cur")); return ;;\n'
    words = ""
    for command in root.walk():
        said = [word for word, _ in words_of(command)]
        plain = " ".join(word for word in said if not word.startswith("-"))
        options = " ".join(word for word in said if word.startswith("-"))
        files = " files=1" if takes_files(command) else ""
        words += f'        "{command.path}") plain="{plain}" options="{options}"{files} ;;\n'
    return _BASH.format(steps=steps, skips=skips, values=values, words=words)


_BASH = """\
# bash completion for nexus:  eval "$(nexus completions bash)"
_nexus() {{
    local cur="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
    local at=nexus skip= plain= options= files= word
    COMPREPLY=()
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        if [ -n "$skip" ]; then skip=; continue; fi
        case "$at:$word" in
{steps}{skips}        esac
    done
    case "$at:$before" in
{values}    esac
    case "$at" in
{words}    esac
    if [[ $cur = -* || -z $plain$files ]]; then plain=$options; fi
    COMPREPLY=($(compgen -W "$plain" -- "$cur"))
    if [ -n "$files" ]; then COMPREPLY+=($(compgen -f -- "$cur")); fi
}}
complete -o filenames -F _nexus nexus
"""
