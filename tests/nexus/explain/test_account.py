"""An account tells what was decided, by the rules themselves, in facts and in sentences."""

import json
from dataclasses import replace

from nexus.domain.backend import BackendId, BackendStatus, BackendType, Load
from nexus.domain.decision import RouteReason
from nexus.domain.events import AttemptFailed, RequestFinished, RequestRefused
from nexus.domain.policy import Policy
from nexus.explain.account import account, standings, summary
from nexus.routing.router import decide
from nexus.telemetry.records import Record, Records
from tests.fakes.fleets import MODEL, backend, fleet, model, needs

AT = 1_800_000_000.0
FLEET = fleet(
    backend("gpu-01"),
    backend("gpu-02", priority=70),
    backend("mac", status=BackendStatus.UNREACHABLE, reason="connection refused"),
    backend("blind", model(vision=False)),
)
LOADS = {BackendId("gpu-01"): Load(3, latency_ms=145.0), BackendId("gpu-02"): Load(8)}


def decided(policy: Policy | None = None, name: str = MODEL, **wants: object) -> Record:
    wanted, policy = needs(name, **wants), policy or Policy()
    answer = decide(wanted, FLEET, LOADS, policy)
    return Records(lambda: AT).decided("req-1", wanted, FLEET, LOADS, policy, 0, answer)


def finished(**more: object) -> RequestFinished:
    facts: dict[str, object] = {
        "request_id": "req-1",
        "at": AT,
        "requested": MODEL,
        "model": MODEL,
        "backend_id": BackendId("gpu-01"),
        "backend": "gpu-01",
        "backend_type": BackendType.VLLM,
        "reason": RouteReason.CAPABILITY_MATCH,
        "why": "",
        "stream": False,
        "status": 200,
    }
    return RequestFinished(**(facts | more))  # type: ignore[arg-type]


def test_each_candidate_has_a_score_or_the_rule_that_said_no() -> None:
    told = account(decided(vision=True))

    assert told["decision"]["order"] == ["gpu-01", "gpu-02"]
    first, second, *ruled_out = told["candidates"]
    assert (first["backend"], first["place"], first["pending"]) == ("gpu-01", 1, 3)
    assert (second["backend"], second["place"]) == ("gpu-02", 2)
    assert first["score"] > second["score"]
    rules = {each["backend"]: each["rejection"]["rule"] for each in ruled_out}
    assert rules == {"mac": "health", "blind": "capability"}


def test_the_parts_of_a_score_make_the_score() -> None:
    for each in account(decided())["candidates"]:
        if each["score"] is not None:
            parts = each["score_parts"].values()
            assert sum(part["points"] * part["weight"] for part in parts) // 100 == each["score"]


def test_sentences_say_why_this_one_and_why_not_each_other_one() -> None:
    told = "\n".join(account(decided(vision=True, stream=True, prompt_tokens=1))["sentences"])

    assert f"A client asked '{MODEL}' for a chat completion, streamed, with an image" in told
    assert "the prompt has about 1 token." in told
    assert "gpu-01 was chosen: the best score among the 2 that could take it" in told
    assert "Not gpu-02: it scored lower, mostly by its priority; it was number 2 of the" in told
    assert "Not mac, by the rule 'health': cannot be reached: connection refused." in told
    assert "Not blind, by the rule 'capability'" in told


def test_attempts_are_told_in_order_with_their_times() -> None:
    record = decided()
    record.ended = finished(
        backend="gpu-02",
        reason=RouteReason.FAILOVER,
        duration_ms=70.0,
        ttft_ms=65.0,
        attempts=2,
        tried=("gpu-01",),
        failures=(AttemptFailed("gpu-01", 20.0, "connection refused"),),
    )
    told = account(record)

    assert [(a["backend"], a["began_ms"], a["ended_ms"]) for a in told["attempts"]] == [
        ("gpu-01", 0.0, 20.0),
        ("gpu-02", 20.0, 70.0),
    ]
    assert "Attempt 1 on gpu-01: connection refused (after 20 ms)." in told["sentences"]


def test_a_fallback_that_took_over_after_failures_is_told_after_them() -> None:
    record = decided()
    record.ended = finished(
        backend="spare",
        model="small",
        reason=RouteReason.FAILOVER,
        why="fallback:small:highest_score:spare:75",
        duration_ms=90.0,
        attempts=2,
        tried=("gpu-01",),
        failures=(AttemptFailed("gpu-01", 20.0, "connection refused"),),
    )
    told = account(record)
    failed, answered, over, _ = told["sentences"][-4:]

    assert told["took_over"] == {
        "model": "small",
        "backend": "spare",
        "why": "highest_score:spare:75",
    }
    assert failed.startswith("Attempt 1 on gpu-01: connection refused")
    assert answered.startswith("Attempt 2 on spare: answered 200")
    assert over == (
        "When every attempt of the plan had failed, the fallback 'small' took over on spare: "
        "the best score."
    )
    assert account(decided())["took_over"] is None


def test_why_the_fallback_went_there_is_told_like_the_first_decision() -> None:
    here = fleet(
        backend("gpu-01"), backend("one", model("small")), backend("two", model("small"), tier=2)
    )
    policy = Policy(fallbacks={MODEL: ("small",)})
    records, wanted, loads = Records(lambda: AT), needs(), {BackendId("two"): Load(20)}
    first = decide(wanted, here, loads, policy)
    record = records.decided("req-1", wanted, here, loads, policy, 0, first)
    without = replace(here, by_model={**here.by_model, MODEL: ()})
    second = decide(wanted, without, loads, policy, turn=1)
    records.decided("req-1", wanted, without, loads, policy, 1, second)
    record.ended = finished(backend="one", model="small", attempts=2, tried=("gpu-01",))
    told = account(record)

    assert told["decision"]["order"] == ["gpu-01"]
    assert told["took_over"]["decision"]["decided_by"] == "score"
    assert [each["backend"] for each in told["took_over"]["candidates"]] == ["one", "two"]
    text = "\n".join(told["sentences"])
    assert "the fallback 'small' took over on one: the best score among the 2" in text
    assert "Not two: it scored lower, mostly by what it has in flight" in text


def test_a_refusal_tells_what_every_candidate_lacks() -> None:
    record = decided(name="mistral")
    record.ended = RequestRefused("req-1", AT, "mistral", 404, "model_not_found", "Not found.")
    told = account(record)

    assert told["decision"]["outcome"] == "refused"
    assert "No backend has 'mistral'." in told["sentences"]
    assert told["sentences"][-1] == "It was refused with 404 model_not_found: Not found."


def test_an_unreadable_request_has_an_account_too() -> None:
    record = Record("req-1", AT, ended=RequestRefused("req-1", AT, "", 400, "invalid_request", "x"))
    assert account(record)["sentences"][0] == "A client sent no readable request."
    assert standings(record) == ()


def test_text_of_servers_is_made_safe_and_json_takes_all_of_it() -> None:
    record = decided()
    record.ended = finished(status=502, error="\x1b[2J\ud800 broke", failures=())
    told = account(record)

    assert "\x1b" not in json.dumps(told, ensure_ascii=False)
    json.dumps(summary(record)).encode()


def test_a_screen_gets_the_chosen_one_first_with_reasons_for_the_others() -> None:
    chosen, *others = standings(decided(vision=True))

    assert (chosen.backend, chosen.place, chosen.score is None) == ("gpu-01", 1, False)
    assert "3 in flight" in chosen.why
    assert all(other.why for other in others)
    assert {other.backend for other in others if other.score is None} == {"mac", "blind"}
