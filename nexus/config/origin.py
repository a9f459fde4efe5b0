"""The layers over the file: which environment variables and flags set which key.

Precedence: flags, then `NEXUS_*`, then the file, then defaults. Text from a variable or a flag is
read by the kind of its key; what cannot be read is a problem that names the variable or flag.
Light: imports no pydantic, and no dataclasses, which take longer than all else here, so the command
line can use the tables for its help.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

CONFIG_VARIABLE = "NEXUS_CONFIG"
"""Path of the configuration file, when no flag gives one."""

VARIABLES: Mapping[str, tuple[str, ...]] = {
    "NEXUS_HOST": ("server", "host"),
    "NEXUS_PORT": ("server", "port"),
    "NEXUS_LOG_LEVEL": ("logging", "level"),
    "NEXUS_LOG_FORMAT": ("logging", "format"),
    "NEXUS_DISCOVERY": ("discovery", "enabled"),
    "NEXUS_HEALTH_CHECK": ("health_check", "enabled"),
    "NEXUS_ROUTING_STRATEGY": ("routing", "strategy"),
    "NEXUS_ROUTING_MAX_RETRIES": ("routing", "max_retries"),
}


class Flag(NamedTuple):
    """A command-line option that sets a key."""

    names: tuple[str, ...]
    dest: str
    """Attribute of the parsed arguments."""
    key: str
    help: str
    metavar: str = ""
    turns_off: bool = False
    """A switch without a value that sets the key to false."""


FLAGS: tuple[Flag, ...] = (
    Flag(("-H", "--host"), "host", "server.host", "address to listen on", "ADDRESS"),
    Flag(("-p", "--port"), "port", "server.port", "port to listen on", "PORT"),
    Flag(
        ("-l", "--log-level"),
        "log_level",
        "logging.level",
        "trace, debug, info, warn or error",
        "LEVEL",
    ),
    Flag(
        ("--no-discovery",),
        "no_discovery",
        "discovery.enabled",
        "do not look for servers",
        turns_off=True,
    ),
    Flag(
        ("--no-health-check",),
        "no_health_check",
        "health_check.enabled",
        "do not check backends",
        turns_off=True,
    ),
)


def flags_from(args: object) -> dict[str, object]:
    """What the parsed arguments set, by key: the `flags` of `nexus.config.load.load`."""
    given = ((flag, getattr(args, flag.dest, None)) for flag in FLAGS)
    return {
        flag.key: False if flag.turns_off else value
        for flag, value in given
        if value is not None and not (flag.turns_off and not value)
    }


class Setting(NamedTuple):
    """One value from a layer over the file."""

    loc: tuple[str, ...]
    value: object
    layer: str
    """`env` or `flag`."""
    name: str
    """`NEXUS_PORT` or `--port`."""

    @property
    def origin(self) -> str:
        return f"{self.layer} {self.name}"


def settings_over_file(
    environ: Mapping[str, str], flags: Mapping[str, object]
) -> Iterator[Setting]:
    """Every value set outside the file, weakest first. An empty variable counts as unset."""
    for name, loc in VARIABLES.items():
        if text := environ.get(name, "").strip():
            yield Setting(loc, text, "env", name)
    names = {flag.key: flag.names[-1] for flag in FLAGS}
    for key, value in flags.items():
        if value is not None:
            default = "--" + key.rpartition(".")[2].replace("_", "-")
            yield Setting(tuple(key.split(".")), value, "flag", names.get(key, default))


_SWITCH = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


def read_text(text: str, base: object) -> object:
    """Text as the type of its key; text that does not fit stays text, and the schema objects."""
    try:
        if base is bool:
            return _SWITCH.get(text.strip().lower(), text)
        if base is int:
            return int(text)
        if base is float:
            return float(text)
    except ValueError:
        return text
    return text
