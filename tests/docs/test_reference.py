"""The documentation is tested: what it names exists, and what exists is named."""

import dataclasses
import io
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from nexus import errors
from nexus.cli.main import parser
from nexus.cli.tree import tree
from nexus.config.describe import keys
from nexus.config.load import load
from nexus.config.planned import PLANNED
from nexus.config.settings import NexusConfig
from nexus.discovery.probe import WELL_KNOWN
from nexus.domain import events
from nexus.domain.backend import BackendId, BackendStatus, BackendType
from nexus.domain.decision import RouteReason
from nexus.domain.policy import Strategy
from nexus.domain.request import Endpoint
from nexus.routing import refusal
from nexus.server import protocol
from nexus.server.guest import KEEP_ALIVE_S
from nexus.telemetry.bus import Bus
from nexus.telemetry.logs import RING_LINES, Sink
from nexus.telemetry.request_log import RequestLog
from nexus.upstream.pool import IDLE_S
from tui.render.status import glyph, word
from tui.screens import page_types

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
GENERATED = {REFERENCE / "cli.md", REFERENCE / "configuration.md"}
"""Made from the parser and the schema, which their own tests check."""


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


each_page = pytest.mark.parametrize("page", PAGES, ids=page_id)
each_written_page = pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in GENERATED], ids=page_id
)

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FILE_ENDINGS = ("md", "py", "toml")
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def text(name: str) -> str:
    """One page of the reference."""
    return (REFERENCE / name).read_text(encoding="utf-8")


def blocks(page: Path, *languages: str) -> list[str]:
    """Fenced code in these languages."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [code for language, code in found if language in languages]


def prose(page: Path) -> str:
    """A page without its fenced code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What a link into this page may name, as GitHub makes it from headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def family(error: type[errors.NexusError]) -> Iterator[type[errors.NexusError]]:
    """An error and all below it that `nexus.errors` defines."""
    if error.__module__ == errors.__name__:
        yield error
    for child in error.__subclasses__():
        yield from family(child)


# ---- what exists is named


def test_every_error_code_has_its_status_and_type_in_the_reference() -> None:
    page = text("errors.md")
    for error in family(errors.NexusError):
        if error is errors.ConfigError:  # ends the process, never sent
            continue
        row = f"| {error.status} | `{error.code}` | `{error.type}` |"
        assert row in page, f"{error.__name__}: {row}"


def test_no_error_code_of_the_reference_is_made_up() -> None:
    codes = {error.code for error in family(errors.NexusError)}
    listed = re.findall(r"^\| \d{3} \| `(\w+)`", text("errors.md"), re.MULTILINE)
    assert set(listed) == codes


def test_every_header_of_nexus_is_in_the_reference() -> None:
    page = text("headers.md")
    used = {
        name
        for source in (ROOT / "nexus").rglob("*.py")
        for name in re.findall(r"X-Nexus-[A-Z]\w+(?:-\w+)*", source.read_text(encoding="utf-8"))
    }
    assert "X-Nexus-Backend" in used
    assert not {name for name in used if f"| `{name}` |" not in page}


def test_every_route_reason_and_strategy_is_explained() -> None:
    headers = text("headers.md")
    routing = (ROOT / "docs/concepts/routing.md").read_text(encoding="utf-8")
    assert not [reason for reason in RouteReason if f"| `{reason.value}` |" not in headers]
    assert not [strategy for strategy in Strategy if f"`{strategy.value}`" not in routing]


@pytest.mark.parametrize("event", get_args(events.Update), ids=lambda event: event.__name__)
def test_every_event_is_in_the_reference_with_all_its_fields(event: type) -> None:
    _, heading, rest = text("events.md").partition(f"\n## {event.__name__}\n")
    section = rest.partition("\n## ")[0]
    told = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)))
    assert heading
    assert told == [field.name for field in dataclasses.fields(event)]


def test_every_command_is_in_the_reference() -> None:
    page = text("cli.md")
    assert not [each.path for each in tree(parser()).walk() if f"`{each.path}" not in page]


def test_every_setting_is_in_the_reference_under_its_table() -> None:
    page = text("configuration.md")
    for key in keys():
        plain = key.table.replace("[]", "")
        heading = f"\n## `[[{plain}]]`\n" if key.table.endswith("[]") else f"\n## `[{plain}]`\n"
        section = page.partition(heading)[2].partition("\n## ")[0]
        assert f"| `{key.name}` |" in section, key.path


def test_every_path_is_in_the_reference() -> None:
    page = text("http-api.md")
    page += text("control-api.md")
    sources = sorted((ROOT / "nexus/api").glob("*.py"))
    api = "".join(source.read_text(encoding="utf-8") for source in sources)
    routes = re.findall(r'@app\.(get|post|put|patch|delete)\(\s*"([^"]+)"', api)
    assert routes
    assert not [each for each in Endpoint if f"| POST | `{each.value}` |" not in page]
    assert not [
        (method, path)
        for method, path in routes
        if f"| {method.upper()} | `{path.replace(':path', '')}` |" not in page
    ]


def test_every_backend_type_is_in_the_guide() -> None:
    guide = (ROOT / "docs/guides/backends.md").read_text(encoding="utf-8")
    assert not [each.value for each in BackendType if f"| `{each.value}` |" not in guide]


def test_every_status_is_in_the_guide_with_its_mark() -> None:
    guide = (ROOT / "docs/guides/dashboard.md").read_text(encoding="utf-8")
    for status in BackendStatus:
        words = "not checked yet" if status is BackendStatus.UNKNOWN else word(status)
        row = f"| `{glyph(status).text}` | {'rate ' if words == 'limited' else ''}{words}"
        assert row in guide, status


def test_every_key_of_the_dashboard_is_in_its_guide() -> None:
    guide = prose(ROOT / "docs/guides/dashboard.md")
    named = set(INLINE.findall(guide))
    signs = {"slash": "/", "escape": "esc", "left": "←", "right": "→", "question_mark": "?"}
    signs |= {"exclamation_mark": "!", "ampersand": "&", "comma": ",", "full_stop": "."}
    signs |= {"left_square_bracket": "[", "right_square_bracket": "]"}
    signs |= {"less_than_sign": "<", "greater_than_sign": ">", "plus": "+"}
    for action in {action for page in page_types() for action in page.ACTIONS}:
        for key in action.keys.split(","):
            assert signs.get(key, key) in named, f"{action.name}: {key}"


def test_every_field_of_a_request_s_log_line_is_in_the_guide() -> None:
    bus, stream = Bus(), io.StringIO()
    log = RequestLog(bus, Sink(stream, json=True))
    bus.publish(
        events.RequestFinished(
            request_id="r",
            at=0.0,
            requested="a",
            model="b",
            backend_id=BackendId("x"),
            backend="x",
            backend_type=BackendType.VLLM,
            reason=RouteReason.FAILOVER,
            why="only_healthy_backend",
            stream=True,
            status=502,
            error="broken",
            ttft_ms=1.0,
            prompt_tokens=1,
            completion_tokens=1,
            tried=("y",),
        )
    )
    bus.publish(events.RequestRefused("r", 0.0, "a", 404, "model_not_found", "no"))
    log.write()

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    named = set(INLINE.findall(prose(ROOT / "docs/guides/operations.md")))
    assert len(lines) == 2
    assert not {field for line in lines for field in line} - named


def test_the_ports_that_are_looked_at_are_listed() -> None:
    for page in (ROOT / "README.md", ROOT / "docs/guides/backends.md"):
        named = set(re.findall(r"\b\d{4,5}\b", prose(page)))
        assert {str(port) for port in WELL_KNOWN} <= named, page.name


def test_waiting_times_and_fixed_limits_are_those_of_the_code() -> None:
    routing = " ".join((ROOT / "docs/concepts/routing.md").read_text(encoding="utf-8").split())
    operations = " ".join((ROOT / "docs/guides/operations.md").read_text(encoding="utf-8").split())

    assert (
        f"{refusal.RETRY_SATURATED_S} second when all are busy, {refusal.RETRY_DOWN_S} when they "
        f"are down, {refusal.RETRY_LOADING_S} while a model loads, {refusal.RETRY_DRAINING_S} when"
    ) in routing
    assert (
        f"head must arrive within {protocol.HEAD_S:g} seconds, its body without a pause of "
        f"{protocol.BODY_SILENCE_S:g} seconds"
    ) in operations
    assert f"closed after {KEEP_ALIVE_S} seconds, an idle backend connection after {IDLE_S:g}" in (
        operations
    )
    assert f"may have {protocol.HEAD_LIMIT // 1024} KB" in operations
    assert f"last {RING_LINES:,} lines" in operations


def test_the_layers_drawn_are_the_layers_kept() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["id"] == "gateway-layers")
    names = {name for layer in layers for name in layer.split(" | ")}

    assert "\n".join(layers) + "\n" in blocks(ROOT / "docs/concepts/architecture.md", "text")
    assert names <= set(re.findall(r"\w+", "\n".join(blocks(ROOT / "CONTRIBUTING.md", "text"))))


# ---- what is named exists


@each_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_every_page_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target).resolve() for target in LINK.findall(prose(index))}
    assert linked == set((ROOT / "docs").rglob("*.md")) - {index}


def commands(page: Path) -> Iterator[list[str]]:
    """Arguments of every `nexus ...` that a reader may type."""
    shell = [line for code in blocks(page, "sh", "console", "bash") for line in code.splitlines()]
    units = re.findall(r"^ExecStart=(.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    spans = [span for span in INLINE.findall(prose(page)) if "[" not in span]
    for line in (*shell, *units, *spans):
        inner = re.findall(r"\$\(([^)]*)\)", line)
        for part in (*inner, *re.split(r"&&|\|\||[|;>]", re.sub(r"\$\([^)]*\)", "", line))):
            try:
                words = shlex.split(part, comments=True)
            except ValueError:  # a quotation that goes on in the next line
                continue
            if words and Path(words[0]).name == "nexus":
                yield words[1:]


def understood(arguments: list[str]) -> bool:
    """Whether the command line takes these arguments."""
    try:
        parser().parse_args(arguments)
    except SystemExit as left:
        return left.code == 0  # --version, --help
    return True


@each_written_page
def test_every_command_line_is_understood(page: Path) -> None:
    for arguments in commands(page):
        assert understood(arguments), f"nexus {shlex.join(arguments)}"


def test_command_lines_are_found_where_people_copy_them_from() -> None:
    assert ["serve", "--no-tui"] in list(commands(ROOT / "README.md"))
    assert ["completions", "bash"] in list(commands(ROOT / "docs/getting-started/install.md"))
    unit = [each for each in commands(ROOT / "docs/guides/operations.md") if "--config" in each]
    assert unit == [["serve", "--no-tui", "--config", "/etc/nexus/nexus.toml"]]


@each_page
def test_every_word_for_make_is_in_the_makefile(page: Path) -> None:
    known = set(
        re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    code = "\n".join((*blocks(page, "sh"), *INLINE.findall(prose(page))))
    assert not set(re.findall(r"^make (\w+)", code, re.MULTILINE)) - known


@each_page
def test_every_configuration_shown_is_valid(page: Path, tmp_path: Path) -> None:
    for number, code in enumerate(blocks(page, "toml")):
        file = tmp_path / f"{number}.toml"
        file.write_text(code, encoding="utf-8")
        load(file, {}, {}, explicit=True)
        assert tomllib.loads(code)


@each_page
def test_every_program_and_document_shown_can_be_read(page: Path) -> None:
    for code in blocks(page, "python"):
        compile(code, page.name, "exec")
    for code in blocks(page, "json"):
        json.loads(code)
    for body in re.findall(r"-d '([^']*)'", "\n".join(blocks(page, "sh"))):
        json.loads(body)


@each_written_page
def test_every_default_shown_is_the_default(page: Path) -> None:
    config = NexusConfig()
    row = re.compile(r"^\| `(\w+)\.(\w+)` \| (\S+) \|", re.MULTILINE)
    for section, name, shown in row.findall(page.read_text(encoding="utf-8")):
        assert shown == f"{getattr(getattr(config, section), name):g}", f"{section}.{name}"


def test_every_setting_named_in_prose_exists() -> None:
    known = {key.path for key in keys()} | {key.table for key in keys()}
    sections = {path.partition(".")[0].removesuffix("[]") for path in known}
    for page in PAGES:
        for span in INLINE.findall(prose(page)):
            path = span.partition(" = ")[0]
            if not re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", path):
                continue
            if path.partition(".")[0] in sections and path.partition(".")[2] not in FILE_ENDINGS:
                assert path in known, f"{page.name}: {path}"


# ---- the README keeps its promises


def test_the_readme_starts_with_what_it_is_a_picture_and_two_commands() -> None:
    head = (ROOT / "README.md").read_text(encoding="utf-8")[:1200]
    picture, demo, test = (head.find(each) for each in ("![", "make demo", "make test"))
    assert 0 < picture < demo < test


def test_the_readme_says_which_settings_have_no_effect_yet() -> None:
    limits = (ROOT / "README.md").read_text(encoding="utf-8").partition("## What is not there")[2]
    words = {"routing.policies[]": "polic", "routing.budget": "budget", "backends[].tier": "tier"}
    words |= {"queue": "queue", "quality": "quality", "lifecycle": "lifecycle", "fleet": "fleet"}
    for part, said in words.items():
        assert (part not in PLANNED) or said in limits, part
