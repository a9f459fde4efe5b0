"""`nexus completions SHELL`: completion scripts, made from the parser.

Each script works the same way: walk over the words typed so far to find the command they lead to
(values of options are skipped), then offer that command's sub-commands, values and options. All
text in a script is our own; no script asks a server.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping

from nexus.cli.tree import Argument, Command, Option, tree

FILES = "<files>"
"""Stands for file names in a list of candidates."""


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The completion script of a shell: bash, zsh, fish, powershell or elvish."""
    return _WRITERS[shell](tree(parser))


def _words(command: Command) -> Iterator[tuple[str, str]]:
    """What can stand next in a command: word and help."""
    for child in command.commands:
        yield child.name, child.help
    for argument in command.arguments:
        yield from ((choice, argument.help) for choice in argument.choices)
    for option in command.options:
        yield from ((name, option.help) for name in option.names)


def _values(asked: Option | Argument) -> str:
    """What can stand as a value: words, FILES, or nothing."""
    return FILES if asked.takes_file else " ".join(asked.choices)


def _steps(root: Command) -> Iterator[tuple[str, str]]:
    """`("nexus backends", "list")` for every sub-command."""
    return ((c.path, child.name) for c in root.walk() for child in c.commands)


def _valued(root: Command) -> Iterator[tuple[str, str, Option]]:
    """Path, name and option for every spelling of an option with a value."""
    for command in root.walk():
        for option in command.options:
            if option.metavar:
                yield from ((command.path, name, option) for name in option.names)


def _takes_files(command: Command) -> bool:
    return any(argument.takes_file for argument in command.arguments)


# ---- bash


def _bash(root: Command) -> str:
    steps = "".join(
        f'            "{at}:{word}") at="{at} {word}" ;;\n' for at, word in _steps(root)
    )
    skips = "".join(f'            "{at}:{name}") skip=1 ;;\n' for at, name, _ in _valued(root))
    values = ""
    for at, name, option in _valued(root):
        do = "compgen -f" if option.takes_file else f'compgen -W "{_values(option)}"'
        values += f'        "{at}:{name}") COMPREPLY=($({do} -- "$cur")); return ;;\n'
    words = ""
    for command in root.walk():
        said = [word for word, _ in _words(command)]
        plain = " ".join(word for word in said if not word.startswith("-"))
        options = " ".join(word for word in said if word.startswith("-"))
        files = " files=1" if _takes_files(command) else ""
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


# ---- zsh


def _zsh(root: Command) -> str:
    steps = "".join(
        f'            "{at}:{word}") at="{at} {word}" ;;\n' for at, word in _steps(root)
    )
    skips = "".join(f'            "{at}:{name}") skip=1 ;;\n' for at, name, _ in _valued(root))
    values = ""
    for at, name, option in _valued(root):
        do = "_files" if option.takes_file else f"compadd -- {_values(option)}"
        do = do if _values(option) else f"_message {_single(option.metavar)}"
        values += f'        "{at}:{name}") {do}; return ;;\n'
    words = ""
    for command in root.walk():
        said = " ".join(_single(_described(word, help)) for word, help in _words(command))
        files = " _files;" if _takes_files(command) else ""
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


# ---- fish


def _fish(root: Command) -> str:
    steps = "".join(
        f"            case '{at}:{word}'\n                set at '{at} {word}'\n"
        for at, word in _steps(root)
    )
    skips = "".join(
        f"            case '{at}:{name}'\n                set skip 1\n"
        for at, name, _ in _valued(root)
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
                lines.append(f"{start} -a '{_values(argument)}' -d {_fish_text(argument.help)}")
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
        value = f" -x -a '{_values(option)}'"
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


# ---- powershell


def _powershell(root: Command) -> str:
    steps = ", ".join(_ps(f"{at}:{word}") for at, word in _steps(root))
    skips = ", ".join(_ps(f"{at}:{name}") for at, name, _ in _valued(root))
    values = ""
    for at, name, option in _valued(root):
        words = "" if option.takes_file else _values(option)
        said = ", ".join(_ps(f"{word}\t{option.help}") for word in words.split())
        values += f"        {_ps(f'{at}:{name}')} = @({said})\n"
    words = ""
    for command in root.walk():
        said = ", ".join(_ps(f"{word}\t{help or word}") for word, help in _words(command))
        words += f"        {_ps(command.path)} = @({said})\n"
    return _POWERSHELL.format(steps=steps, skips=skips, values=values, words=words)


def _ps(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_POWERSHELL = """\
# PowerShell completion for nexus:  nexus completions powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName nexus -ScriptBlock {{
    param($wordToComplete, $commandAst, $cursorPosition)
    $steps = @({steps})
    $skips = @({skips})
    $values = @{{
{values}    }}
    $words = @{{
{words}    }}
    $at = 'nexus'
    $value = $null
    foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {{
        $word = $element.Extent.Text
        if ($element.Extent.EndOffset -ge $cursorPosition -and $wordToComplete) {{ break }}
        if ($value) {{ $value = $null; continue }}
        if ($steps -ccontains "${{at}}:$word") {{ $at = "$at $word" }}
        elseif ($skips -ccontains "${{at}}:$word") {{ $value = "${{at}}:$word" }}
    }}
    $offers = if ($value) {{ $values[$value] }} else {{ $words[$at] }}
    $offers | ForEach-Object {{
        $word, $help = $_ -split "`t", 2
        if ($word -like "$wordToComplete*") {{
            $kind = 'ParameterValue'
            [System.Management.Automation.CompletionResult]::new($word, $word, $kind, $help)
        }}
    }}
}}
"""


# ---- elvish


def _elvish(root: Command) -> str:
    steps = " ".join(f"&{_elv(f'{at}:{word}')}=$true" for at, word in _steps(root))
    values = ""
    for at, name, option in _valued(root):
        do = "edit:complete-filename $last" if option.takes_file else ""
        do = do or " ".join(f"put {_elv(word)};" for word in option.choices) or "nop"
        values += f"        &{_elv(f'{at}:{name}')}={{|last| {do} }}\n"
    words = ""
    for command in root.walk():
        said = " ".join(f"cand {_elv(word)} {_elv(help)};" for word, help in _words(command))
        files = " edit:complete-filename $last;" if _takes_files(command) else ""
        words += f"        &{_elv(command.path)}={{|last| {said}{files} }}\n"
    return _ELVISH.format(steps=steps, values=values, words=words)


def _elv(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_ELVISH = """\
# elvish completion for nexus:  eval (nexus completions elvish | slurp)
set edit:completion:arg-completer[nexus] = {{|@typed|
    fn cand {{|word help| edit:complex-candidate $word &display=$word'  '$help }}
    var steps = [{steps}]
    var values = [
{values}    ]
    var words = [
{words}    ]
    var at = nexus
    var value = ''
    for word $typed[1..-1] {{
        var here = $at':'$word
        if (not-eq $value '') {{
            set value = ''
        }} elif (has-key $steps $here) {{
            set at = $at' '$word
        }} elif (has-key $values $here) {{
            set value = $here
        }}
    }}
    if (not-eq $value '') {{
        $values[$value] $typed[-1]
    }} else {{
        $words[$at] $typed[-1]
    }}
}}
"""

_WRITERS: Mapping[str, Callable[[Command], str]] = {
    "bash": _bash,
    "zsh": _zsh,
    "fish": _fish,
    "powershell": _powershell,
    "elvish": _elvish,
}
