"""The completion script of elvish."""

from __future__ import annotations

from nexus.cli.shells.candidates import steps_of, takes_files, valued_options, words_of
from nexus.cli.tree import Command


def write(root: Command) -> str:
    """The script."""
    steps = " ".join(f"&{_elv(f'{at}:{word}')}=$true" for at, word in steps_of(root))
    values = ""
    for at, name, option in valued_options(root):
        do = "edit:complete-filename $last" if option.takes_file else ""
        do = do or " ".join(f"put {_elv(word)};" for word in option.choices) or "nop"
        values += f"        &{_elv(f'{at}:{name}')}={{|last| {do} }}\n"
    words = ""
    for command in root.walk():
        said = " ".join(f"cand {_elv(word)} {_elv(help)};" for word, help in words_of(command))
        files = " edit:complete-filename $last;" if takes_files(command) else ""
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
