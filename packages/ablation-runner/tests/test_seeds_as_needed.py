"""Seeds are added to the arms of undecided claims, to what they are compared with, and to no other."""

import json
import runpy
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import ablation_stats as stats
from ablation_runner import StudyError
from ablation_runner.outlook.describe_plan import _most
from ablation_runner.plan import PlannedArm, SeedsNeeded, Trial, plan_round
from ablation_runner.running.prepared import Prepared, prepare
from ablation_runner.scores.paired_scores import PairedScores
from ablation_runner.status import study_status
from ablation_runner.storage.lock import claim_hash, lock_study
from ablation_runner.study import parse_study

made = runpy.run_path(str(Path(__file__).with_name("test_report_made_run.py")))

RULE = 'seeds = { min = 3, max = 6, until = "decided", spending = "pocock" }'
STUDY = f"""
title = "How many visual tokens?"
question = "Is a model with fewer tokens as good?"
{RULE}

[baseline]
data = {{ task = "easy-vqa", limit = 64, validation_images = 4 }}
tokens = {{ budget = 16 }}
model = {{ connector = "concatenation", language_model = {{ name = "llama-tiny", width = 32, depth = 1 }} }}
training = {{ steps = 100 }}

[factors.budget]
path = "tokens.budget"
levels = [4, 9, 16, 64]

[[claims]]
text = "Four tokens are worse."
arm = "budget-4"
kind = "worse"

[[claims]]
text = "More tokens are better."
arm = "budget-64"
kind = "better"
"""
FAR = {"budget-4": 0.2, "budget-9": 0.7, "budget-16": 0.7, "budget-64": 0.7, "blind": 0.2}
UNSURE = (0.12, 0.01, 0.1, 0.02, 0.11, 0.0)

Score = Callable[[str, int], float]


def chance(arm: str, seed: int) -> float:
    """Four tokens are far worse under every seed; of 64 the seeds disagree."""
    return FAR[arm] + (UNSURE[seed] if arm == "budget-64" else 0.0)


def started(folder: Path, text: str = STUDY) -> Prepared:
    (folder / "made.toml").write_text(text, encoding="utf-8")
    prepared = prepare(str(folder / "made.toml"), runs=folder)
    lock_study(prepared.folder, prepared.study)
    return prepared


def finish(
    prepared: Prepared, score: Score = chance, *, without: Callable[[Trial], bool] = lambda _: False
) -> None:
    """Makes up the results of all planned trials that have none."""
    for trial in prepared.trials:
        if prepared.folder.trial(trial.name).record() is None and not without(trial):
            made["write_trial"](
                prepared, trial, made["questions"](300), score=lambda arm, condition, seed: score(arm, seed)
            )


def rounds(prepared: Prepared, score: Score = chance) -> list[Prepared]:
    """Every plan up to the last."""
    plans = [prepared]
    while not plans[-1].is_last:
        finish(plans[-1], score)
        plans.append(plans[-1].plan_again())
        assert len(plans) < 12
    return plans


def seeds_of(prepared: Prepared) -> dict[str, int]:
    return dict(Counter(trial.arm for trial in prepared.trials))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> list[Prepared]:
    return rounds(started(tmp_path_factory.mktemp("needed")))


def test_every_arm_begins_with_the_fewest_seeds(ran: list[Prepared]) -> None:
    assert seeds_of(ran[0]) == dict.fromkeys(FAR, 3)
    assert not ran[0].is_last


def test_seeds_are_added_to_the_undecided_arm_and_its_baseline_only(ran: list[Prepared]) -> None:
    assert [seeds_of(plan)["budget-64"] for plan in ran] == [3, 4, 5, 6, 6]
    assert seeds_of(ran[-1]) == {"budget-16": 6, "budget-4": 3, "budget-9": 3, "budget-64": 6, "blind": 3}


def test_added_trials_are_those_of_the_same_seeds_in_both_arms(ran: list[Prepared]) -> None:
    before, after = ({(trial.arm, trial.seed) for trial in plan.trials} for plan in ran[:2])
    assert after - before == {("budget-16", 3), ("budget-64", 3)}


def test_the_verdicts_are_those_of_the_sequential_design(ran: list[Prepared]) -> None:
    assert ran[-1].needed is not None
    found = list(ran[-1].needed.verdicts.values())
    assert [(each.verdict.verdict, each.end, each.seeds) for each in found] == [
        ("supported", "decided", 3),
        ("inconclusive", "last look", 6),
    ]
    rows = pl.concat(
        pl.read_parquet(ran[-1].folder.trial(trial.name).items_file) for trial in ran[-1].trials
    ).drop("condition")
    claims = [
        stats.Claim(text="Four tokens are worse.", arm="budget-4", baseline="budget-16", expects="worse"),
        stats.Claim(text="More tokens are better.", arm="budget-64", baseline="budget-16"),
    ]
    expected = stats.judge_sequential(
        claims, stats.pairs_of(rows), looks=range(3, 7), spending="pocock", control="blind"
    )
    assert [each.verdict.p_adjusted for each in found] == [each.verdict.p_adjusted for each in expected]


def test_a_plan_made_anew_from_the_files_is_the_same(ran: list[Prepared]) -> None:
    again = ran[-1].plan_again()
    assert [trial.name for trial in again.trials] == [trial.name for trial in ran[-1].trials]
    assert again.is_last


def test_a_lacking_trial_of_one_claim_does_not_hold_up_another(tmp_path: Path) -> None:
    prepared = started(tmp_path)
    finish(prepared, without=lambda trial: trial.arm == "budget-4" and trial.seed == 2)
    after = prepared.plan_again()
    assert seeds_of(after) == {"budget-16": 4, "budget-4": 3, "budget-9": 3, "budget-64": 4, "blind": 3}


def test_the_blind_arm_gets_seeds_only_where_a_claim_of_no_difference_waits_for_it(tmp_path: Path) -> None:
    claims = '[[claims]]\ntext = "As good."\narm = "budget-9"\nkind = "equivalent"\nmargin = 0.3\n'
    text = STUDY[: STUDY.index("[[claims]]")] + claims

    def unsure(arm: str, seed: int) -> float:
        return 0.7 - (0.35 + 0.25 * (-1) ** seed if arm == "blind" else 0.0)

    plans = rounds(started(tmp_path, text), unsure)
    counts = [(seeds_of(plan)["budget-9"], seeds_of(plan)["blind"]) for plan in plans]
    assert counts == [(3, 3), (4, 3), (4, 4), (5, 4), (5, 5), (6, 5), (6, 6), (6, 6)]
    assert plans[-1].needed is not None
    (found,) = plans[-1].needed.verdicts.values()
    assert (found.end, found.verdict.verdict) == ("last look", "not-informative")


def test_a_claim_that_was_added_after_the_lock_adds_no_seeds(tmp_path: Path) -> None:
    finish(started(tmp_path, STUDY[: STUDY.rindex("[[claims]]")]))
    later = prepare(str(tmp_path / "made.toml"), runs=tmp_path)
    assert later.is_last
    (tmp_path / "made.toml").write_text(STUDY, encoding="utf-8")
    with_both = prepare(str(tmp_path / "made.toml"), runs=tmp_path)
    assert seeds_of(with_both) == dict.fromkeys(FAR, 3)
    assert with_both.is_last
    assert with_both.needed is not None
    assert len(with_both.needed.verdicts) == 2


@pytest.mark.parametrize(
    "change", [("max = 6", "max = 7"), ("pocock", "obrien-fleming"), (RULE, "seeds = [0, 1, 2]")]
)
def test_the_rule_is_part_of_what_a_claim_is_locked_as(change: tuple[str, str]) -> None:
    one, other = (parse_study(tomllib.loads(text), source="x") for text in (STUDY, STUDY.replace(*change)))
    assert claim_hash(one.claims[0], one.seeds) != claim_hash(other.claims[0], other.seeds)


def test_another_rule_after_the_lock_adds_no_seeds(tmp_path: Path) -> None:
    finish(started(tmp_path))
    text = STUDY.replace("max = 6", "max = 7")
    (tmp_path / "made.toml").write_text(text, encoding="utf-8")
    assert seeds_of(prepare(str(tmp_path / "made.toml"), runs=tmp_path)) == dict.fromkeys(FAR, 3)


def test_the_plan_gives_the_most_that_it_may_come_to(ran: list[Prepared]) -> None:
    cost = {arm: {"seconds": 10.0} for arm in FAR}
    assert _most(ran[0], ran[0].trials, cost) == {"trials": 3 * 6 + 2 * 3, "seconds": 240.0}
    added = [trial for trial in ran[1].trials if trial.seed == 3]
    assert _most(ran[1], added, cost) == {"trials": 2 * 6 + 3 * 3, "seconds": 2 * 3 * 10.0}
    assert _most(ran[-1], [], cost) == {"trials": len(ran[-1].trials), "seconds": 0.0}


def test_the_status_tells_where_each_claim_stands(ran: list[Prepared]) -> None:
    looks = json.loads(json.dumps(study_status(ran[1])))["looks"]
    assert [(look["end"], look["seeds"], look["needs"]) for look in looks] == [
        ("decided", 3, 3),
        ("open", 3, 4),
    ]


def test_arms_asked_different_questions_are_no_pair_and_a_trial_asked_others_is_refused(
    tmp_path: Path,
) -> None:
    prepared = started(tmp_path)
    finish(prepared)
    for trial in prepared.trials:
        if trial.arm == "budget-4" or (trial.arm, trial.seed) == ("budget-9", 1):
            made["write_trial"](prepared, trial, made["questions"](12), score=lambda *_: 0.5)
    scores = PairedScores(prepared.study, prepared.folder, prepared.trials)
    assert scores.pair("budget-4", "budget-16") is None
    with pytest.raises(StudyError, match=r"budget-9 and budget-16 cannot be paired: .*seed 1"):
        scores.pair("budget-9", "budget-16")


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ('{ min = 1, max = 6, until = "decided" }', "seeds.min: input should be greater than or equal to 2, found 1"),
        ('{ min = 3, max = 3, until = "decided" }', "seeds: max must be above min = 3, got 3"),
        ('{ min = 3, max = 6, until = "sure" }', "seeds.until: input should be 'decided', found 'sure'"),
        ('{ min = 3, mx = 6, until = "decided" }', "seeds.mx: unknown key; did you mean 'max'"),
        ('{ min = 3, max = 6, until = "decided", spending = "even" }', "seeds.spending: input should be"),
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused_by_name(seeds: str, message: str) -> None:
    text = STUDY.replace(RULE, f"seeds = {seeds}")
    with pytest.raises(StudyError, match=message):
        parse_study(tomllib.loads(text), source="needed.toml")


def test_seeds_as_needed_are_refused_without_claims_and_in_a_greedy_search() -> None:
    with pytest.raises(StudyError, match="the study has no claims"):
        parse_study(tomllib.loads(STUDY[: STUDY.index("[[claims]]")]), source="x")
    greedy = STUDY.replace("[baseline]", '[design]\nkind = "greedy-sequential"\n[baseline]', 1)
    with pytest.raises(StudyError, match=r"cannot be combined with design\.kind = 'greedy-sequential'"):
        parse_study(tomllib.loads(greedy), source="x")


def test_tuning_comes_first_and_only_then_are_claims_looked_at(tmp_path: Path) -> None:
    tuning = '\n[tuning]\npath = "training.learning_rate"\nvalues = [1e-3, 3e-3]\n'
    study = parse_study(tomllib.loads(STUDY + tuning), source="x")
    looked: list[int] = []

    def look(arms: tuple[PlannedArm, ...], trials: list[Trial]) -> SeedsNeeded:
        looked.append(len(trials))
        return SeedsNeeded(seeds={arm.name: 4 for arm in arms}, verdicts={}, locked=frozenset())

    before = plan_round(study, processes=1, data="", read=lambda _: None, look=look)
    assert (len(before.trials), before.is_last, looked) == (5 * 3, False, [])
    assert {trial.seed for trial in before.tuning} == {0}
    after = plan_round(study, processes=1, data="", read=lambda _: (0.5, 0.0), look=look)
    assert (len(after.trials), after.is_last, looked) == (5 * 4, True, [5 * 6])


def test_a_short_run_may_add_one_seed(tmp_path: Path) -> None:
    (tmp_path / "made.toml").write_text(STUDY, encoding="utf-8")
    smoke = prepare(str(tmp_path / "made.toml"), runs=tmp_path, smoke=True)
    assert smoke.study.seeds_as_needed is not None
    assert smoke.study.seeds_as_needed.looks == (2, 3)
