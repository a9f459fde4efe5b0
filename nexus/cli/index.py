"""Every command in the order of `nexus --help`: its name, a line about it, and its module.

Written out so that `--help`, and each command for all others, need no other module: what a command
takes is imported when it is typed. That these lines are those of the modules is tested.
"""

from __future__ import annotations

COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("serve", "run the gateway (what `nexus` alone does)", "serving"),
    ("demo", "run over a simulated fleet, to look around", "serving"),
    ("backends", "list, add, edit, remove, drain or check backends", "backends"),
    ("models", "every model, what it can do; load and unload one", "models"),
    ("health", "is it up, and are its backends?", "health"),
    ("explain", "why a request went where it went", "explain"),
    ("route", "where a request would go now; nothing is sent", "explain"),
    ("cancel", "end a request that runs", "cancel"),
    ("routing", "show or change how requests are routed", "routing"),
    ("alias", "list, set or remove names that stand for models", "alias"),
    ("fallback", "list, set or remove models that stand in for others", "fallback"),
    ("what-if", "who would serve the recorded requests in another fleet", "what_if"),
    ("policy", "check what the policies promise", "policy"),
    ("keys", "list, create or revoke keys of the control plane", "keys"),
    ("chart", "draw a number over time in the terminal", "chart"),
    ("changes", "who changed what, and when", "audit"),
    ("logs", "what the running Nexus says, and how much of it", "logs"),
    ("discover", "look for model servers on this machine and network", "discover"),
    ("announce", "announce a server of this machine over mDNS", "announce"),
    ("attach", "show the dashboard of a Nexus that runs already", "attach"),
    ("web", "show the dashboard of a running gateway in a browser", "web"),
    ("config", "write, check or show the configuration", "config"),
    ("completions", "print a shell completion script", "completions"),
)
