import json
import random
from collections import Counter

import numpy as np
import pytest
import torch
from token_budget_refusals import refused

from token_budget import (
    BudgetSampler,
    Choice,
    Curriculum,
    Fixed,
    Matryoshka,
    QueryPrefix,
    create_schedule,
    list_schedules,
)

PLAN = Curriculum(stages=((Fixed(budget=256), 4), (Choice(), 5), (QueryPrefix(highest=16), 0)))
ALL = [Fixed(budget=64), Choice(), Matryoshka(), QueryPrefix(), PLAN]


def test_choice_follows_its_weights():
    schedule = Choice()
    counts = Counter(schedule.budgets(seed=3, step=step)[0] for step in range(5000))
    # Chi-square with 2 degrees of freedom: 13.8 is exceeded once in a thousand.
    expected = {64: 1000, 144: 1500, 256: 2500}
    assert sum((counts[b] - e) ** 2 / e for b, e in expected.items()) < 13.8
    assert schedule.expected(0) == 184.0
    assert schedule.expected(0) / 256 == pytest.approx(0.71875)


def test_query_prefix_draws_every_even_length_evenly():
    schedule = QueryPrefix(highest=16, multiple=2)
    counts = Counter(schedule.budgets(seed=0, step=step)[0] for step in range(4000))
    assert set(counts) == set(range(2, 17, 2))
    assert sum((count - 500) ** 2 / 500 for count in counts.values()) < 24.3  # 7 degrees of freedom
    assert QueryPrefix().expected(0) == 129


def test_matryoshka_trains_every_scale_in_every_step():
    schedule = Matryoshka()
    assert schedule.budgets(0, 5) == (1, 9, 36, 144, 576)
    assert schedule.expected(0) == pytest.approx(153.2)


def test_curriculum_changes_at_its_steps():
    assert [PLAN.budgets(0, step) for step in range(4)] == [(256,)] * 4
    assert all(PLAN.budgets(0, step)[0] in (64, 144, 256) for step in range(4, 9))
    assert {PLAN.budgets(0, step)[0] for step in range(9, 200)} == set(range(2, 17, 2))
    assert [PLAN.expected(step) for step in (3, 4, 9)] == [256, 184, 9]


@pytest.mark.parametrize("schedule", ALL)
def test_every_rank_draws_the_same_whatever_else_is_random(schedule):
    one = [BudgetSampler(schedule, seed=7) for _ in range(2)]
    seen = []
    for rank, sampler in enumerate(one):
        random.seed(rank)
        np.random.seed(rank)  # noqa: NPY002 - the point is that it does not matter
        torch.manual_seed(rank)
        seen.append([sampler.next() for _ in range(20)])
    assert seen[0] == seen[1]


def test_seeds_differ():
    draws = [[Choice().budgets(seed, step) for step in range(40)] for seed in range(3)]
    assert draws[0] != draws[1] != draws[2] != draws[0]


@pytest.mark.parametrize("schedule", ALL)
def test_a_resumed_sampler_goes_on_where_it_stopped(schedule):
    whole = BudgetSampler(schedule, seed=1)
    expected = [whole.next() for _ in range(15)]
    first = BudgetSampler(schedule, seed=1)
    for _ in range(6):
        first.next()
    second = BudgetSampler(schedule, seed=1)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert [second.next() for _ in range(9)] == expected[6:]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 2}, "saved seed"),
        ({"schedule": "Fixed(budget=1)"}, "saved schedule"),
        ({"step": -1}, "at least 0"),
    ],
)
def test_a_state_of_another_run_is_refused(change, message):
    sampler = BudgetSampler(Choice(), seed=1)
    with pytest.raises(ValueError, match=message):
        sampler.load_state_dict(sampler.state_dict() | change)
    with pytest.raises(ValueError, match="a state holds"):
        sampler.load_state_dict({"step": 1})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("fix", {}, "unknown schedule 'fix'"),
        ("fixed", {"budgets": 3}, "did you mean 'budget'"),
        ("fixed", {"budget": 0}, "from 1"),
        ("choice", {"choices": (1, 2)}, "one finite weight"),
        ("choice", {"weights": (1, 2, float("inf"))}, "one finite weight"),
        ("choice", {"choices": (1, 1), "weights": (1, 1)}, "different"),
        ("matryoshka", {"scales": ()}, "different"),
        ("query-prefix", {"highest": 7}, "multiple"),
        ("curriculum", {"stages": ((Fixed(budget=1), 3),)}, "the last 0"),
    ],
)
def test_bad_settings_are_refused(name, options, message):
    with refused(message):
        create_schedule(name, options)


def test_lists_as_a_study_file_has_them_become_tuples():
    assert create_schedule("choice", {"choices": [4, 16], "weights": [1, 3]}) == Choice(
        choices=(4, 16), weights=(1, 3)
    )
    assert create_schedule("curriculum", {"stages": [[Fixed(budget=1), 2], [Choice(), 0]]}) == Curriculum(
        stages=((Fixed(budget=1), 2), (Choice(), 0))
    )


def test_every_schedule_is_listed():
    assert list_schedules() == ["choice", "curriculum", "fixed", "matryoshka", "query-prefix"]
