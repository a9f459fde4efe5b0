"""The completion script of zsh."""

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
        if option.takes_file:
            do = "_files"
        elif option.choices:
            do = f"compadd -- {values_of(option)}"
        else:
            do = f"_message {_single(option.metavar)}"
        values += f'        "{at}:{name}") {do}; return ;;\n'
    words = ""
    for command in root.walk():
        said = " ".join(_single(_described(word, help)) for word, help in words_of(command))
        files = " _files;" if takes_files(command) else ""
        words += f'        "{command.path}") offers=({said});{files} ;;\n'
    return _ZSH.format(steps=steps, skips=skips, values=values, words=words)


def _described(word: str, help: str) -> str:
    return f"{word}:{help}" if help else word


def _single(text: str) -> str:
    """Quoted for a POSIX-like shell."""
    return "'" + text.replace("'", "'\\''") + "'"


_ZSH = """\
#compdef nexus
# zsh completion for nexus:  nexus completions zsh > "${{fpath[1]}}/_nexus"
_nexus() {{
    local at=nexus skip= word before="${{words[CURRENT-1]}}"
    local -a offers
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        if [[ -n $skip ]]; then skip=; continue; fi
        case "$at:$word" in
{steps}{skips}        esac
    done
    case "$at:$before" in
{values}    esac
    case "$at" in
{words}    esac
    _describe 'nexus' offers
}}
if [[ ${{funcstack[1]}} = _nexus ]]; then _nexus "$@"; else compdef _nexus nexus; fi
"""
