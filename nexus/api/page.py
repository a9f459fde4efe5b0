"""The OpenAPI description as a page for people: plain HTML, no script, nothing from elsewhere.

Works without internet and under the strictest content security policy. Pure.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from html import escape
from itertools import groupby
from typing import Any, Final

Schema = Mapping[str, Any]

STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --dim: #888; --hue: #2a7; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; }
nav a { margin-right: 1rem; } p { margin: .3rem 0; } .dim { color: var(--dim); }
details { border: 1px solid var(--line); border-radius: 6px; }
details { margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; } code, pre { font: 13px/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; background: #8881; padding: .6rem; border-radius: 6px; }
table { border-collapse: collapse; margin: .5rem 0; } td { padding: .15rem 1rem .15rem 0; }
td { vertical-align: top; } b.m { display: inline-block; width: 4.5rem; color: var(--hue); }
"""

POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode("ascii")
    + "'"
)
"""`Content-Security-Policy` of the page."""


def page(schema: Schema, base: str) -> bytes:
    """The whole page.

    Args:
        schema: the OpenAPI description.
        base: how the gateway is reached, for the examples.
    """
    info = schema["info"]
    operations = sorted(_operations(schema), key=lambda each: (_group(each[0]), each[0]))
    groups = [(name, list(found)) for name, found in groupby(operations, lambda o: _group(o[0]))]
    body = [
        f"<h1>{escape(info['title'])}</h1>",
        f'<p class="dim">version {escape(info["version"])} at {escape(base)} · '
        '<a href="/openapi.json">openapi.json</a></p>',
        f"<p>{escape(info.get('description', ''))}</p>",
        "<nav>"
        + "".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name, _ in groups)
        + "</nav>",
    ]
    for name, found in groups:
        body.append(f'<h2 id="{escape(name)}">{escape(name)}</h2>')
        body += [_operation(schema, base, *each) for each in found]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>"
    ).encode()


def _operations(schema: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _group(path: str) -> str:
    """The first word after the version."""
    return path.split("/")[3] if path.count("/") > 2 else path


def _operation(schema: Schema, base: str, path: str, method: str, operation: Schema) -> str:
    rows = [_row(schema, each) for each in operation.get("parameters", [])]
    body = _body(schema, operation)
    rows += [_field(schema, name, each, body) for name, each in _properties(schema, body).items()]
    table = f"<table>{''.join(rows)}</table>" if rows else ""
    return (
        f'<details><summary><b class="m">{method}</b> <code>{escape(path)}</code> '
        f"{escape(operation.get('summary', ''))}</summary>"
        f"{table}<pre>{escape(_example(schema, base, path, method, operation))}</pre></details>"
    )


def _row(schema: Schema, parameter: Schema) -> str:
    place = {"path": "in the path", "query": "?", "header": "header"}[parameter["in"]]
    said = parameter.get("description", "")
    kind = _kind(schema, parameter.get("schema", {}))
    return _cells(parameter["name"], place, kind, said)


def _field(schema: Schema, name: str, field: Schema, body: Schema) -> str:
    needed = "needed" if name in body.get("required", []) else "body"
    return _cells(name, needed, _kind(schema, field), field.get("description", ""))


def _cells(name: str, place: str, kind: str, said: str) -> str:
    return (
        f'<tr><td><code>{escape(name)}</code></td><td class="dim">{escape(place)}</td>'
        f"<td>{escape(kind)}</td><td>{escape(said)}</td></tr>"
    )


def _kind(schema: Schema, field: Schema) -> str:
    """What a value is, in few words."""
    field = _resolved(schema, field)
    if "enum" in field:
        return " | ".join(map(str, field["enum"]))
    if options := field.get("anyOf"):
        kinds = [_kind(schema, each) for each in options]
        return " | ".join(kind for kind in kinds if kind != "null")
    kind = str(field.get("type", ""))
    low = field.get("minimum", field.get("exclusiveMinimum"))
    high = field.get("maximum", field.get("exclusiveMaximum"))
    if low is not None or high is not None:
        kind += f", {'' if low is None else f'{low:g}'}..{'' if high is None else f'{high:g}'}"
    return kind


def _body(schema: Schema, operation: Schema) -> Schema:
    """What a request's body looks like; empty where it has none that is described."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return _resolved(schema, content.get("schema", {}))


def _properties(schema: Schema, body: Schema) -> Mapping[str, Schema]:
    return body.get("properties", {})


def _resolved(schema: Schema, field: Schema) -> Schema:
    name = field.get("$ref", "").rpartition("/")[2]
    return schema["components"]["schemas"][name] if name else field


def _example(schema: Schema, base: str, path: str, method: str, operation: Schema) -> str:
    """A command that can be copied."""
    address = base + path.replace("{", "").replace("}", "").replace("request_id", "REQUEST")
    lines = [f"curl '{address}'" if method == "GET" else f"curl -X {method} '{address}'"]
    if method in ("POST", "PUT", "PATCH"):
        lines.append("  -H 'Content-Type: application/json'")
        lines.append(f"  -d '{json.dumps(_sample(schema, operation))}'")
    return " \\\n".join(lines)


def _sample(schema: Schema, operation: Schema) -> Any:
    """A body to start from: its example, or the fields that are needed."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    body = _body(schema, operation)
    for examples in (content.get("schema", {}).get("examples"), body.get("examples")):
        if examples:
            return examples[0]
    found = {name: field.get("examples") for name, field in _properties(schema, body).items()}
    needed = body.get("required", [])
    return {name: (found[name] or ["..."])[0] for name in found if name in needed}
