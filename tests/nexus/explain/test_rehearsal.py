from nexus.domain.policy import Policy
from nexus.explain.rehearsal import rehearsal
from nexus.routing.router import decide
from nexus.telemetry.records import Records
from tests.fakes.fleets import backend, fleet, model, needs

FLEET = fleet(backend("a", model("llama3:70b", vision=False)), backend("b", model("qwen")))


def rehearsed(name: str, **wants: object) -> dict[str, object]:
    asked, policy = needs(name, **wants), Policy()
    answer = decide(asked, FLEET, {}, policy)
    records = Records(lambda: 1.0)
    record = records.snapshot("r", asked, FLEET, {}, policy, 0, answer)
    return rehearsal(record, FLEET)


def test_nothing_was_sent_and_nothing_is_under_way() -> None:
    told = rehearsed("qwen")

    assert (told["dry_run"], told["refusal"]) == (True, None)
    assert isinstance(told["sentences"], list)
    assert told["sentences"][-1] == "Nothing was sent."
    assert "under way" not in str(told["sentences"])


def test_a_refusal_is_told_as_its_client_would_hear_it() -> None:
    unknown, blind = rehearsed("lama3:70b")["refusal"], rehearsed("llama3:70b", vision=True)

    assert isinstance(unknown, dict)
    assert (unknown["status"], unknown["code"]) == (404, "model_not_found")
    assert "Did you mean 'llama3:70b'?" in str(unknown["message"])
    assert "qwen" in str(unknown["message"])
    assert "It would be refused with 400 capability_missing" in str(blind["sentences"])
