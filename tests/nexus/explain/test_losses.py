from nexus.domain.policy import Policy
from nexus.explain.losses import Loss, losses
from tests.fakes.fleets import backend, fleet, model

HERE = fleet(
    backend("a", model("m"), model("x")), backend("b", model("n:latest")), backend("c", model("x"))
)


def told(most: int = 2, policy: Policy | None = None) -> list[str]:
    return [loss.words for loss, _ in losses("m", HERE, policy or Policy(), most)]


def test_each_loss_comes_in_both_ways_and_smaller_ones_first() -> None:
    by = Policy(fallbacks={"m": ("n",)})

    assert told() == ["nothing lost", "a down", "a gone"]
    assert told(1, by) == ["nothing lost", "a down", "a gone", "b down", "b gone"]
    assert told(2, by)[5:] == [
        "a down and b down",
        "a down and b gone",
        "b down and a gone",
        "a gone and b gone",
    ]


def test_what_an_alias_may_lead_to_counts_also_while_the_real_model_hides_it() -> None:
    by = Policy(aliases={"m": "mid", "mid": "x"}, fallbacks={"mid": ("n",)})
    assert len(told(1, by)) == 1 + 3 * 2


def test_a_fleet_that_is_left_keeps_what_is_down_and_forgets_what_is_gone() -> None:
    found = dict(losses("m", HERE, Policy()))

    assert "m" in found[Loss(down=("a",))].by_model
    assert "m" not in found[Loss(gone=("a",))].by_model
    assert len(found[Loss(gone=("a",))].backends) == 2


def test_backends_alike_stand_for_each_other_and_two_of_them_can_be_lost() -> None:
    many = [backend(f"b{n}", model("m")) for n in range(20)]
    here = fleet(*many, backend("other", model("m"), tier=2))
    found = [loss.words for loss, _ in losses("m", here, Policy())]

    assert found[:5] == ["nothing lost", "b0 down", "b0 gone", "other down", "other gone"]
    assert "b0 down and b1 down" in found
    assert "b0 gone and other gone" in found
    assert len(found) == 1 + 2 * 2 + 2 * 4


def test_a_backend_that_somebody_named_stands_for_itself() -> None:
    here = fleet(backend("a", model("m")), backend("b", model("m")), backend("c", model("m")))
    found = [loss.words for loss, _ in losses("m", here, Policy(), 1, apart=("b",))]

    assert found == ["nothing lost", "a down", "a gone", "b down", "b gone"]
