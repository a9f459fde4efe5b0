"""F13: prompts stay in their zone and above their tier, whatever fails (through the gateway)."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexus.cli.main import run
from nexus.config.load import load
from nexus.domain.backend import Zone
from nexus.domain.events import ZoneBreached
from nexus.errors import ConfigError
from tests.fakes.client import ask, chat, request
from tests.fakes.gateway import gateway
from tests.fakes.servers import AWAY, BROKEN, GOOD, Server, context, details, story
from tests.fakes.upstream import DONE, STREAM_HEAD, Script, answer, chunk, event, upstream

RESTRICTED = '[[routing.policies]]\nmodel_pattern = "m"\nprivacy = "restricted"\n'
UNRESTRICTED = '[[routing.policies]]\nmodel_pattern = "m"\nprivacy = "unrestricted"\n'
TIER_3 = '[[routing.policies]]\nmodel_pattern = "m"\nmin_tier = 3\n'
STREAM = answer(STREAM_HEAD + chunk(event("hi", "stop") + DONE) + b"0\r\n\r\n")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"])
async def test_every_answer_names_the_zone_it_came_from(path: str) -> None:
    async with story(home=Server(), cloud=Server(("big",), zone=AWAY)) as here:
        own = await here.chat(None, path)
        far = await here.chat(None, path, model="big")
        assert own.headers["x-nexus-privacy-zone"] == "restricted"
        assert far.headers["x-nexus-privacy-zone"] == "open"


async def test_a_stream_names_its_zone() -> None:
    async with story(home=Server(script=STREAM)) as here:
        found = await here.chat(stream=True)
        assert found.headers["x-nexus-privacy-zone"] == "restricted"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("config", ["", RESTRICTED], ids=["no policy", "restricted"])
async def test_a_restricted_backend_that_is_down_is_not_replaced_by_an_open_one(
    tmp_path: Path, config: str, stream: bool, path: str
) -> None:
    async with story(tmp_path, config, home=Server(up=False), cloud=Server(zone=AWAY)) as here:
        found = await here.chat(None, path, stream=stream)
        assert found.status == 503
        assert context(found)["privacy_zone_required"] == "restricted"
        assert int(found.headers["retry-after"]) > 0
        assert here.asked("cloud") == 0
        assert here.gateway.pools.guard.opened[Zone.OPEN] == 0


WAYS = {
    "alias": '[routing.aliases]\ngpt = "m"\n',
    "fallback": '[routing.fallbacks]\ngpt = ["m"]\n',
    "chain": '[routing.aliases]\ngpt = "mid"\n[routing.fallbacks]\nmid = ["m"]\n',
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_no_alias_and_no_chain_leads_around_it(tmp_path: Path, way: str) -> None:
    servers = {"home": Server(up=False), "cloud": Server(zone=AWAY)}
    async with story(tmp_path, way, **servers) as here:
        found = await here.chat(model="gpt")
        assert (found.status, here.asked("cloud")) == (503, 0)


async def test_a_failed_request_is_not_tried_again_outside_its_zone() -> None:
    servers = {
        "home": Server(script=BROKEN, more={"priority": 50}),
        "cloud": Server(zone=AWAY, more={"priority": 0}),
    }
    async with story(**servers) as here:
        found = await here.chat()
        assert found.status == 500
        assert b"out of memory" in found.body
        assert (here.asked("home"), here.asked("cloud")) == (1, 0)


async def test_the_policy_of_the_model_that_was_asked_for_binds_its_fallback(
    tmp_path: Path,
) -> None:
    config = RESTRICTED + '[routing.fallbacks]\nm = ["big", "small"]\n'
    servers = {
        "home": Server(up=False),
        "cloud": Server(("big",), zone=AWAY),
        "spare": Server(("small",)),
    }
    async with story(tmp_path, config, **servers) as here:
        found = await here.chat()
        assert found.headers["x-nexus-backend"] == "spare"
        assert here.asked("cloud") == 0


async def test_local_first_and_cloud_when_needed_is_one_line(tmp_path: Path) -> None:
    config = '[routing.fallbacks]\nm = ["big"]\n'
    servers = {"home": Server(up=False), "cloud": Server(("big",), zone=AWAY)}
    async with story(tmp_path, config, **servers) as here:
        found = await here.chat()
        assert (found.status, found.headers["x-nexus-privacy-zone"]) == (200, "open")


async def test_a_policy_keeps_a_model_that_only_a_cloud_has(tmp_path: Path) -> None:
    async with story(tmp_path, RESTRICTED, cloud=Server(zone=AWAY)) as here:
        found = await here.chat()
        assert (found.status, here.asked("cloud")) == (503, 0)
        assert "policy 'm'" in details(found)[0]["reason"]
        assert found.headers["x-nexus-rejection-reasons"] == "1 agents rejected by privacy"
        assert found.headers["x-should-retry"] == "false"


async def test_an_unrestricted_policy_lets_the_cloud_serve(tmp_path: Path) -> None:
    servers = {"home": Server(up=False), "cloud": Server(zone=AWAY)}
    async with story(tmp_path, UNRESTRICTED, **servers) as here:
        assert (await here.chat()).headers["x-nexus-backend"] == "cloud"


async def test_a_client_may_tighten_and_never_loosen() -> None:
    servers = {
        "home": Server(up=False),
        "cloud": Server(zone=AWAY),
        "far": Server(("f",), zone=AWAY),
    }
    async with story(**servers) as here:
        loose = await here.chat({"X-Nexus-Privacy-Zone": "open"})
        tight = await here.chat({"X-Nexus-Privacy-Zone": "restricted"}, model="f")
        plain = await here.chat(model="f")
        assert (loose.status, tight.status, plain.status) == (503, 503, 200)
        assert here.asked("cloud") == 0


def test_no_server_starts_with_an_invalid_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "nexus.toml"
    path.write_text(RESTRICTED.replace('"m"', '"[m"'))
    assert run(["serve", "--no-tui", "--config", str(path)]) == 2
    assert "routing.policies[0].model_pattern" in capsys.readouterr().err


BY_TENANT = 'tenants = ["anonymous"]\n'
BY_ENDPOINT = 'endpoints = ["chat"]\n'
BY_HEADER = 'headers = { "X-Team" = "research*" }\n'


@pytest.mark.parametrize("condition", [BY_TENANT, BY_ENDPOINT, BY_HEADER])
async def test_a_policy_binds_by_tenant_endpoint_or_header_too(
    tmp_path: Path, condition: str
) -> None:
    config = UNRESTRICTED + RESTRICTED.replace('"m"', '"*"') + condition
    fallback = '[routing.fallbacks]\nm = ["f"]\n'
    servers = {"home": Server(up=False), "cloud": Server(("m", "f"), zone=AWAY)}
    async with story(tmp_path, config + fallback, **servers) as here:
        said = [{"X-Team": "research-7"}, {"X-Team": "sales", "x-team": "research"}]
        for headers in said:
            found = await here.chat(headers)
            assert (found.status, here.asked("cloud")) == (503, 0)
            assert any("policy '* for " in each["reason"] for each in details(found))
        if condition != BY_TENANT:
            free = await here.chat({"X-Team": "sales"}, "/v1/embeddings")
            assert (free.status, free.headers["x-nexus-backend"]) == (200, "cloud")


async def test_a_request_kept_from_an_open_backend_says_so() -> None:
    async with story(home=Server(), cloud=Server(zone=AWAY)) as here:
        found = await here.chat()
        assert found.headers["x-nexus-route-reason"] == "privacy-requirement"


async def test_a_tier_that_nobody_reaches_is_503_in_every_mode(tmp_path: Path) -> None:
    async with story(tmp_path, TIER_3, low=Server(more={"tier": 2})) as here:
        modes = [{}, {"X-Nexus-Flexible": "true"}, {"X-Nexus-Strict": "true"}]
        for headers in modes:
            found = await here.chat(headers)
            assert (found.status, context(found)["required_tier"]) == (503, 3)
            assert "below minimum tier 3" in details(found)[0]["reason"]
        assert here.asked("low") == 0


async def test_a_higher_tier_serves_when_the_usual_one_is_down(tmp_path: Path) -> None:
    servers = {
        "low": Server(more={"tier": 2}),
        "mid": Server(more={"tier": 3}, up=False),
        "high": Server(more={"tier": 4}),
    }
    async with story(tmp_path, TIER_3, **servers) as here:
        found = await here.chat({"X-Nexus-Flexible": "true"})
        assert found.headers["x-nexus-backend"] == "high"


async def test_a_tier_removed_by_privacy_is_not_replaced_by_a_lower_one(tmp_path: Path) -> None:
    config = RESTRICTED + "min_tier = 3\n"
    servers = {"low": Server(more={"tier": 1}), "cloud": Server(zone=AWAY, more={"tier": 5})}
    async with story(tmp_path, config, **servers) as here:
        found = await here.chat({"X-Nexus-Flexible": "true"})
        told = context(found)
        assert (told["required_tier"], told["privacy_zone_required"]) == (3, "restricted")
        assert (here.asked("low"), here.asked("cloud")) == (0, 0)


async def test_strict_means_the_model_that_was_asked_for(tmp_path: Path) -> None:
    config = '[routing.fallbacks]\nm = ["small"]\n'
    servers = {"home": Server(up=False), "spare": Server(("small",))}
    async with story(tmp_path, config, **servers) as here:
        both = {"X-Nexus-Strict": "true", "X-Nexus-Flexible": "true"}
        assert (await here.chat(both)).status == 503
        for value in ("false", "yes", "1", "TRUE"):
            assert (await here.chat({"X-Nexus-Strict": value})).status == 200


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('model_pattern = "m"\nmin_tier = 0', "min_tier"),
        ('model_pattern = "m"\nmin_tier = 6', "min_tier"),
        ('model_pattern = "m"\nprivacy = "secret"', "privacy"),
        ('model_pattern = "[m"', "model_pattern"),
        ('model_pattern = "m"\ntenants = "[a"\nmin_tier = 2', "tenants"),
        ('model_pattern = "m"\nendpoints = "chats"\nmin_tier = 2', "endpoints"),
        ('model_pattern = "m"\nheaders.x-t = "*"\nprivacy = "unrestricted"', "privacy"),
    ],
)
def test_an_invalid_policy_stops_the_start(tmp_path: Path, line: str, key: str) -> None:
    path = tmp_path / "nexus.toml"
    path.write_text(f"[[routing.policies]]\n{line}\n")
    with pytest.raises(ConfigError, match=rf"routing\.policies\[0\]\.{key}"):
        load(path, {}, {}, explicit=True)


BACKEND = '[[backends]]\nname = "{0}"\nurl = "{1}"\ntype = "{2}"\n{3}\n'


async def test_zone_and_tier_of_the_file_count_and_the_type_says_what_it_leaves_out(
    tmp_path: Path,
) -> None:
    async with upstream(GOOD, ["far"]) as far, upstream(GOOD, ["near"]) as near:
        config = BACKEND.format("far", far.url, "vllm", 'zone = "Open"\ntier = 3')
        config += BACKEND.format("near", near.url, "vllm", "")
        config += BACKEND.format("cloud", "http://127.0.0.1:9", "openai", "")
        async with gateway(config=config, tmp_path=tmp_path) as here:
            faces = {each.name: each.face for each in here.control.view.fleet().backends.values()}
            told = {name: (face.zone, face.tier) for name, face in faces.items()}
            assert told == {
                "far": (Zone.OPEN, 3),
                "near": (Zone.RESTRICTED, 1),
                "cloud": (Zone.OPEN, 1),
            }
            for model, zone in (("far", "open"), ("near", "restricted")):
                found = await ask(here.url, request(body=chat(model=model)))
                assert (found.status, found.headers["x-nexus-privacy-zone"]) == (200, zone)


@pytest.mark.parametrize("line", ["tier = 0", "tier = 6", "tier = 10", 'zone = "secret"'])
def test_an_invalid_zone_or_tier_of_a_backend_stops_the_start(tmp_path: Path, line: str) -> None:
    path = tmp_path / "nexus.toml"
    path.write_text(BACKEND.format("a", "http://127.0.0.1:9", "vllm", line))
    with pytest.raises(ConfigError, match=rf"backends\[0\]\.{line.split()[0]}"):
        load(path, {}, {}, explicit=True)


async def test_without_policies_no_zone_and_no_tier_refuses_anybody() -> None:
    servers = {"home": Server(("h",), more={"tier": 1}), "cloud": Server(("c",), zone=AWAY)}
    async with story(**servers) as here:
        for headers in ({}, {"X-Nexus-Strict": "true"}, {"X-Nexus-Flexible": "true"}):
            for model in ("h", "c"):
                assert (await here.chat(headers, model=model)).status == 200
        lost = await here.chat(model="x")
        assert lost.status == 404
        assert "x-nexus-rejection-reasons" not in lost.headers


async def test_of_overlapping_policies_the_first_declared_counts(tmp_path: Path) -> None:
    servers = {"cloud": Server(zone=AWAY)}
    for first, second, status in ((UNRESTRICTED, RESTRICTED, 200), (RESTRICTED, UNRESTRICTED, 503)):
        both = first + second.replace('"m"', '"m*"')
        async with story(tmp_path, both, **servers) as here:
            assert (await here.chat()).status == status


async def hangs_up(got: object, reader: object, writer: object) -> None:
    writer.transport.abort()  # type: ignore[attr-defined]


async def speaks_and_hangs_up(got: object, reader: object, writer: object) -> None:
    await answer(STREAM_HEAD + chunk(event("he")))(got, reader, writer)  # type: ignore[arg-type]
    writer.transport.abort()  # type: ignore[attr-defined]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("script", [hangs_up, speaks_and_hangs_up])
async def test_a_restricted_backend_that_dies_in_the_middle_ends_in_an_error(
    script: Script, stream: bool
) -> None:
    servers = {"home": Server(script=script), "cloud": Server(zone=AWAY, more={"priority": 0})}
    async with story(**servers) as here:
        found = await here.chat(stream=stream)
        assert found.status >= 500 or b'"error"' in found.body or not found.complete
        assert (here.asked("cloud"), here.gateway.pools.guard.opened[Zone.OPEN]) == (0, 0)


async def test_a_breach_is_stopped_at_the_socket_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As if the rules had a hole: the plan holds an open backend for a restricted request."""
    from nexus.routing.rules import privacy

    def keep(candidates: object, *rest: object) -> object:
        return candidates

    monkeypatch.setattr(privacy, "keep", keep)
    servers = {
        "cloud": Server(zone=AWAY, more={"priority": 0}),
        "home": Server(script=GOOD, more={"priority": 90}),
    }
    async with story(**servers) as here:
        told: list[ZoneBreached] = []
        publish = here.gateway.carrier._publish  # pyright: ignore[reportPrivateUsage]

        def listen(event: object) -> None:
            if isinstance(event, ZoneBreached):
                told.append(event)
            publish(event)  # type: ignore[arg-type]

        monkeypatch.setattr(here.gateway.carrier, "_publish", listen)
        found = await here.chat()
        assert (found.status, found.headers["x-nexus-backend"]) == (200, "home")
        assert [each.backend for each in told] == ["cloud"]
        guard = here.gateway.pools.guard
        assert (here.asked("cloud"), guard.opened[Zone.OPEN], guard.breaches) == (0, 0, 1)
        assert any("was not sent there" in line for line in caplog.messages)
