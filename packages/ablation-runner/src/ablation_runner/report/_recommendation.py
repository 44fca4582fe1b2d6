"""What to take, in words, with what it costs, and every cheaper arm that was considered."""

from collections.abc import Iterator, Sequence

from ablation_runner.report._numbers import (
    Scale,
    cost_text,
    number,
    p_text,
    plural,
    range_text,
    signed,
)
from ablation_runner.report._section import Cell, Section, grids
from ablation_runner.report._standing import the_baseline
from ablation_runner.report._text import first, in_line, listed, shorten
from ablation_runner.results import COSTS, ArmResult, Candidate, Recommendation, StudyResults

_COLUMNS = ("Cost", "Difference", "Adjusted p", "Shown to hold the score")


def recommendation(study: StudyResults, scale: Scale) -> Section | None:
    """The section; None where the study declares no margin."""
    found = study.recommendation
    if found is None:
        return None
    arms = {arm.name: arm for arm in study.arms}
    note = (
        f"The arms with a lower cost ({found.cost}) than {_name(found.reference)}. The difference is to that arm, in "
        f"{scale.axis}, with its 90 % interval; p is that of a loss of {_margin(found, scale)} or more, corrected for "
        "all arms in this table. An arm not shown to hold the score is not shown to lose it either."
    )
    return Section(
        name="recommendation",
        title="Recommendation",
        short="Recommendation",
        text=(*_not_considered(found), *_sentences(found, arms, scale)),
        note=note if found.candidates else "",
        grids=grids(
            "Arm",
            _COLUMNS,
            [candidate.arm for candidate in found.candidates],
            {
                (candidate.arm, column): cell
                for candidate in found.candidates
                for column, cell in zip(_COLUMNS, _cells(candidate, found, arms, scale), strict=True)
            },
        ),
    )


def _not_considered(found: Recommendation) -> Iterator[str]:
    """The arms that nobody could use, and those that are not within the budget, where there is one."""
    if found.left_out:
        yield f"Not considered, as the study says that nobody could use it: {_names(found.left_out)}."
    if not found.budget:
        return
    limits = listed([f"{COSTS[kind]} {cost_text(kind, limit)}" for kind, limit in found.budget.items()])
    over = _names(found.over_budget) if found.over_budget else "none"
    yield f"Not considered, as not known to be within the budget (at most {limits}): {over}."


def _sentences(found: Recommendation, arms: dict[str, ArmResult], scale: Scale) -> tuple[str, ...]:
    if found.blocked:
        return (f"None can be recommended: {found.blocked}.",)
    reference = arms[found.reference]
    if found.arm is None:
        return (_none(found, scale),)
    arm = arms[found.arm]
    if arm is reference:
        gain = signed(arm.difference.estimate, scale) if arm.difference else ""
        others = _not_shown(found, scale) if found.candidates else "no arm is cheaper"
        why = f"it is the best of the arms shown to be better than the baseline ({gain}\u00a0{scale.step}), and {others}."
        return (f"Take {_name(arm.name)}: {why}", _costs(arm, arms))
    chosen = next(each for each in found.candidates if each.arm == found.arm)
    lost = signed(chosen.difference.estimate, scale) if chosen.difference else ""
    name = _name(reference.name)
    held = the_baseline(name) if reference.is_baseline else f"the best arm {name}"
    why = (
        f"of the arms shown to lose less than {_margin(found, scale)} against {held}, it is the "
        f"cheapest in {found.cost} (difference {lost}\u00a0{scale.step})."
    )
    return (f"Take {_name(arm.name)}: {why}", _costs(arm, arms, beside=reference))


def _none(found: Recommendation, scale: Scale) -> str:
    other = "other " if found.left_out else ""
    start = f"None can be recommended in place of {the_baseline(_name(found.reference))}: no {other}arm is shown to be better"
    if not found.candidates:
        return f"{start}, and none that converged is cheaper."
    return f"{start}, and {_not_shown(found, scale)}. More seeds or questions may decide it."


def _not_shown(found: Recommendation, scale: Scale) -> str:
    count = len(found.candidates)
    who = "the one cheaper arm is not" if count == 1 else f"none of the {plural(count, 'cheaper arm')} is"
    return f"{who} shown to lose less than {_margin(found, scale)} against it"


def _costs(arm: ArmResult, arms: dict[str, ArmResult], beside: ArmResult | None = None) -> str:
    """What the arm costs, each with the change against the arm it replaces, or else against the baseline."""
    other = beside or next(each for each in arms.values() if each.is_baseline)
    parts = [
        f"{what} {cost_text(kind, own)}{_change(own, getattr(other, kind))}"
        for kind, what in COSTS.items()
        if (own := getattr(arm, kind))
    ]
    return f"Its cost, beside {_name(other.name)}: {', '.join(parts)}."


def _change(own: float | None, before: float | None) -> str:
    if not own or not before:
        return ""
    change = round(100 * (own / before - 1))
    return f" ({change:+d}\u00a0%)".replace("-", "−") if change else " (the same)"


def _cells(
    candidate: Candidate, found: Recommendation, arms: dict[str, ArmResult], scale: Scale
) -> tuple[Cell, ...]:
    arm, difference = arms[candidate.arm], candidate.difference
    kind = next(kind for kind, word in COSTS.items() if word == found.cost)
    return (
        (cost_text(kind, getattr(arm, kind)), found.cost),
        (signed(difference.estimate, scale), range_text(difference, scale, sign=True))
        if difference
        else ("0.0", "on every question"),
        (p_text(candidate.p_adjusted), ""),
        ("yes" if candidate.non_inferior else "no", ""),
    )


def _margin(found: Recommendation, scale: Scale) -> str:
    return f"{number(found.margin, scale)}\u00a0{scale.step}"


def _names(names: Sequence[str]) -> str:
    return listed(first([_name(name) for name in names]))


def _name(name: str) -> str:
    return in_line(shorten(name, 60))
