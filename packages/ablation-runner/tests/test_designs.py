"""Which arms a design makes, and which studies it refuses."""

import tomllib

import pytest

from ablation_runner import StudyError
from ablation_runner.plan import PlannedArm, resolve_arms
from ablation_runner.study import parse_study

THREE_FACTORS = """
title = "Designs"
question = "Which arms?"
seeds = [0]

[baseline]
tokens = { budget = 4 }
model = { connector = "concatenation", language_model = "llama-tiny" }
training = { steps = 8, learning_rate = 1e-3 }

[design]
kind = "KIND"

[factors.fusion]
path = "model.connector"
levels = ["concatenation", "mlp"]

[factors.tokens]
path = "tokens.budget"
levels = [16, 4]

[factors.rate]
path = "training.learning_rate"
levels = { slow = 1e-4, usual = 1e-3 }
"""
GREEDY = THREE_FACTORS.replace("KIND", "greedy-sequential").replace("[16, 4]", "[16, 4, 1]")


def arms_of(text: str, chosen: dict[str, str] | None = None) -> tuple[PlannedArm, ...]:
    return resolve_arms(parse_study(tomllib.loads(text), source="designs.toml"), chosen=chosen)


def names_of(kind: str, extra: str = "") -> list[str]:
    text = THREE_FACTORS.replace('kind = "KIND"', f'kind = "{kind}"\n{extra}')
    return [arm.name for arm in arms_of(text)]


def error_of(text: str) -> str:
    with pytest.raises(StudyError) as caught:
        arms_of(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_one_factor_at_a_time_changes_each_level_alone() -> None:
    assert names_of("one-factor-at-a-time") == ["baseline", "mlp", "budget-16", "slow", "blind"]


def test_a_full_factorial_combines_all_levels_and_names_what_is_not_the_baselines() -> None:
    names = names_of("full-factorial")
    assert len(names) == 2**3 + 1
    assert names[0] == "baseline"
    assert "mlp + budget-16 + slow" in names
    assert names[-1] == "blind"


def test_an_arm_of_a_factorial_differs_under_the_paths_of_its_cell_only() -> None:
    baseline, *arms, _ = arms_of(THREE_FACTORS.replace("KIND", "full-factorial"))
    for arm in arms:
        moved = {name for name, level in arm.levels.items() if level != baseline.levels[name]}
        paths = {"fusion": "model.connector", "tokens": "tokens.budget", "rate": "training.learning_rate"}
        assert {difference.path for difference in arm.differences} == {paths[name] for name in moved}


def test_a_half_fraction_has_half_the_arms() -> None:
    names = names_of("fractional-factorial", 'generators = ["rate=fusion*tokens"]')
    # The fraction I = fusion·tokens·rate does not hold the baseline, which every study has beside it.
    assert len(names) == 4 + 1 + 1
    assert names[0] == "baseline"


def test_a_plackett_burman_screen_of_three_factors_has_four_arms_the_baseline_among_them() -> None:
    assert names_of("plackett-burman") == [
        "baseline", "mlp + budget-16", "budget-16 + slow", "mlp + slow", "blind",
    ]  # fmt: skip


def test_components_are_left_out_added_alone_or_built_up() -> None:
    assert names_of("leave-one-out") == ["full", "without fusion", "without tokens", "without rate", "blind"]
    assert names_of("add-one-in") == ["none", "only fusion", "only tokens", "only rate", "blind"]
    built = arms_of(THREE_FACTORS.replace("KIND", "build-up"))
    assert [len(arm.differences) for arm in built[:-1]] == [0, 1, 2, 3]


def test_a_greedy_search_plans_the_next_factor_only_when_one_is_chosen() -> None:
    assert [arm.name for arm in arms_of(GREEDY)] == ["baseline", "mlp", "blind"]
    second = [arm.name for arm in arms_of(GREEDY, {"fusion": "mlp"})]
    assert second == ["baseline", "mlp", "mlp + budget-16", "mlp + budget-1", "blind"]
    last = [arm.name for arm in arms_of(GREEDY, {"fusion": "mlp", "tokens": "budget-1"})]
    assert last[-2] == "mlp + budget-1 + slow"


def test_a_dose_response_wants_one_factor_of_rising_numbers() -> None:
    assert "has one factor" in error_of(THREE_FACTORS.replace("KIND", "dose-response"))
    one = THREE_FACTORS.split("[factors.rate]")[0].replace("KIND", "dose-response")
    one = one.replace('[factors.fusion]\npath = "model.connector"\nlevels = ["concatenation", "mlp"]\n', "")
    assert [arm.name for arm in arms_of(one.replace("[16, 4]", "[1, 4, 16]"))] == [
        "budget-4", "budget-1", "budget-16", "blind",
    ]  # fmt: skip
    assert "must rise or fall throughout" in error_of(one.replace("[16, 4]", "[1, 16, 4]"))


def test_a_component_with_three_levels_is_refused() -> None:
    text = THREE_FACTORS.replace("KIND", "leave-one-out").replace("[16, 4]", "[16, 4, 1]")
    assert "'tokens' has ['budget-4', 'budget-16', 'budget-1']" in error_of(text)


def test_generators_belong_to_fractions() -> None:
    text = THREE_FACTORS.replace(
        'kind = "KIND"', 'kind = "full-factorial"\ngenerators = ["rate=fusion*tokens"]'
    )
    assert "generators belong to the kind fractional-factorial" in error_of(text)
    assert "needs at least one" in error_of(THREE_FACTORS.replace("KIND", "fractional-factorial"))


def test_a_factor_without_another_level_varies_nothing() -> None:
    text = THREE_FACTORS.replace("KIND", "full-factorial").replace("[16, 4]", "[4]")
    assert "factors.tokens: no level differs from the baseline" in error_of(text)


def test_paths_that_form_one_treatment_need_a_reason_and_change_together() -> None:
    grouped = (
        THREE_FACTORS.replace("KIND", "one-factor-at-a-time")
        + """
[factors.longer]
paths = ["training.steps", "training.validations"]
reason = "A longer run is validated as densely."
levels.double = { "training.steps" = 16, "training.validations" = 20 }
"""
    )
    arm = arms_of(grouped)[-2]
    assert arm.name == "double"
    assert [difference.path for difference in arm.differences] == ["training.steps", "training.validations"]
    assert "says in reason why" in error_of(grouped.replace("reason =", "#"))
    assert "sets exactly" in error_of(grouped.replace(', "training.validations" = 20', ""))


def test_two_factors_may_not_set_the_same_path() -> None:
    text = THREE_FACTORS.replace("KIND", "full-factorial").replace("training.learning_rate", "tokens.budget")
    assert "factors 'tokens' and 'rate' both set tokens.budget" in error_of(text)


def test_a_condition_changes_only_what_needs_no_training() -> None:
    text = THREE_FACTORS.replace("KIND", "one-factor-at-a-time") + '[conditions.fewer]\n"tokens.budget" = 1\n'
    claim = '[[claims]]\ntext = "Fewer is worse."\narm = "baseline @ fewer"\nkind = "worse"\n'
    assert len(arms_of(text + claim)) == 5
    assert "unknown arm 'baseline @ few'" in error_of(text + claim.replace("@ fewer", "@ few"))
    assert "which needs training" in error_of(text.replace('"tokens.budget" = 1', '"training.steps" = 1'))
    assert "no such path 'tokens.budgets'" in error_of(
        text.replace('"tokens.budget" = 1', '"tokens.budgets" = 1')
    )
