"""The completion script of PowerShell."""

from __future__ import annotations

from nexus.cli.shells.candidates import steps_of, valued_options, values_of, words_of
from nexus.cli.tree import Command


def write(root: Command) -> str:
    """The script."""
    steps = ", ".join(_ps(f"{at}:{word}") for at, word in steps_of(root))
    skips = ", ".join(_ps(f"{at}:{name}") for at, name, _ in valued_options(root))
    values = ""
    for at, name, option in valued_options(root):
        words = "" if option.takes_file else values_of(option)
        said = ", ".join(_ps(f"{word}\t{option.help}") for word in words.split())
        values += f"        {_ps(f'{at}:{name}')} = @({said})\n"
    words = ""
    for command in root.walk():
        said = ", ".join(_ps(f"{word}\t{help or word}") for word, help in words_of(command))
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
