from nexus.proxy.retries import AT_ONCE, MOST, RetryBudget


def taken(budget: RetryBudget, tries: int) -> int:
    return sum(budget.take("m") for _ in range(tries))


def test_a_first_few_may_be_sent_again_and_no_more() -> None:
    assert taken(RetryBudget(), 50) == AT_ONCE


def test_of_many_requests_one_in_five_may_be_sent_again() -> None:
    budget = RetryBudget()
    retries = 0
    for _ in range(1000):
        budget.asked("m")
        retries += taken(budget, 1)

    assert 195 <= retries <= 200 + AT_ONCE


def test_quiet_times_save_up_little() -> None:
    budget = RetryBudget()
    for _ in range(1000):
        budget.asked("m")

    assert taken(budget, 50) == MOST


def test_each_model_has_its_own() -> None:
    budget = RetryBudget()
    taken(budget, 50)

    assert budget.take("other")
