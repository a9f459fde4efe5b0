import pytest

from nexus.domain.backend import BackendId, BackendStatus, Source
from nexus.domain.policy import Policy, Strategy
from nexus.errors import BadRequest, NotFound
from nexus.explain.proposal import proposed
from tests.fakes.fleets import backend, fleet, model

HERE = fleet(
    backend("gpu-01", model("m")),
    backend("gpu-02", model("m")),
    backend("found", model("m"), source=Source.PROBE),
)
ENTRY = '[[backends]]\nname = "{0}"\nurl = "http://{0}:8000"\ntype = "vllm"\n'


def test_backends_are_dropped_by_name_and_by_id() -> None:
    assert proposed(HERE, Policy(), ["gpu-02"]).dropped == (BackendId("gpu-02"),)
    with pytest.raises(NotFound, match="No backend is called 'gpu-9'"):
        proposed(HERE, Policy(), ["gpu-9"])


def test_a_configuration_without_backends_changes_the_policy_alone() -> None:
    found = proposed(HERE, Policy(), config='[routing]\nstrategy = "random"\n')

    assert found.fleet is HERE
    assert found.policy.strategy is Strategy.RANDOM
    assert found.notes == ("The configuration names no backends: the fleet is taken as it is.",)


def test_backends_get_what_the_configuration_says_and_keep_their_models() -> None:
    text = ENTRY.format("gpu-01") + "priority = 7\ntier = 3\ndraining = true\n"
    text += ENTRY.format("gpu-09") + '[[models]]\npattern = "m"\ntools = false\n'
    found = proposed(HERE, Policy(), config=text)
    one = found.fleet.backends[BackendId("gpu-01")]

    assert (one.face.priority, one.face.tier, one.status) == (7, 3, BackendStatus.DRAINING)
    assert one.models[0].tools is False
    assert set(found.fleet.backends) == {"gpu-01", "found"}
    assert found.notes == (
        "gpu-09 does not run here: nothing is known of its models.",
        "gpu-02 is not in the configuration and would leave.",
    )


def test_a_server_that_was_found_may_get_a_name() -> None:
    text = '[[backends]]\nname = "mine"\nurl = "http://found:8000"\n'
    found = proposed(HERE, Policy(), config=text)

    assert [each.id for each in found.fleet.backends[BackendId("mine")].models] == ["m"]
    assert BackendId("found") not in found.fleet.backends


def test_a_header_that_nobody_looked_at_before_is_not_on_record() -> None:
    rule = '[[routing.policies]]\nmodel_pattern = "*"\nmin_tier = 2\nheaders.X-Team = "a"\n'
    (note, _) = sorted(proposed(HERE, Policy(), config=rule).notes)

    assert note.startswith("Recorded requests do not tell what the header x-team said")


@pytest.mark.parametrize("text", ["nonsense", "[routing]\nstrategy = 5\n", "x" * 1_000_001])
def test_a_configuration_that_cannot_be_used_is_refused_with_its_report(text: str) -> None:
    with pytest.raises(BadRequest, match="configuration"):
        proposed(HERE, Policy(), config=text)
