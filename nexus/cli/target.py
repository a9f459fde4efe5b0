"""Which running Nexus a command talks to: `--url`, `NEXUS_URL`, the configuration, or the default.

Light until it must look into a configuration: that needs pydantic, so it happens only when nobody
named a URL and something is there that could say otherwise.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from nexus.cli.control_key import add_key_option
from nexus.errors import BadRequest

URL_VARIABLE = "NEXUS_URL"
DEFAULT_URL = "http://127.0.0.1:8000"

_ADDRESS_VARIABLES = ("NEXUS_CONFIG", "NEXUS_HOST", "NEXUS_PORT")
_ADDRESS_ARGUMENTS = ("config", "host", "port")
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
"""Addresses that a server listens on, and where it is then reached from the same machine."""


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """`--url`, `--config` and `--json`, which every command that talks to a server takes."""
    parser.add_argument(
        "--url",
        dest="gateway_url",
        metavar="URL",
        default=argparse.SUPPRESS,
        help=f"the running Nexus (environment: {URL_VARIABLE}; else host and port of the "
        f"configuration; else {DEFAULT_URL})",
    )
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="configuration file that names host and port",
    )
    add_key_option(parser)
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="for machines"
    )


def url_for(args: argparse.Namespace, environ: Mapping[str, str]) -> str:
    """The base URL, without a trailing slash or `/v1`.

    Raises BadRequest for what is not a URL, ConfigError for a configuration that cannot be used.
    """
    given = getattr(args, "gateway_url", None)
    if given is not None:
        return _tidy(given, "--url")
    if named := environ.get(URL_VARIABLE, "").strip():
        return _tidy(named, URL_VARIABLE)
    if _may_be_configured(args, environ):
        from nexus.cli.config import load_for  # late: pydantic

        server = load_for(args).config.server
        host = _ANYWHERE.get(server.host, server.host)
        return f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"
    return DEFAULT_URL


def _may_be_configured(args: argparse.Namespace, environ: Mapping[str, str]) -> bool:
    if any(getattr(args, name, None) is not None for name in _ADDRESS_ARGUMENTS):
        return True
    if any(environ.get(name, "").strip() for name in _ADDRESS_VARIABLES):
        return True
    from nexus.config.file import default_places

    return any(place.exists() for place in default_places(environ))


def _tidy(url: str, source: str) -> str:
    """One spelling of a URL that a person typed; a missing `http://` is added."""
    from nexus.domain.urls import normalise

    text = url.strip()
    try:
        tidy = normalise(text if "://" in text else f"http://{text}")
    except ValueError as problem:
        raise BadRequest(f"{source}: {problem}") from None
    return tidy
