"""The answer in one sentence, and the sentences that a reader needs before believing it."""

from ablation_runner.report._numbers import Scale, plural, signed, value_text
from ablation_runner.report._standing import Standing, baseline_of, is_significant, standing, the_baseline
from ablation_runner.report._text import first, in_line, listed, shorten
from ablation_runner.results import ArmResult, StudyResults

_PHRASES = {
    Standing.BETTER: ("is better", "are better"),
    Standing.EQUIVALENT: ("is equivalent to it", "are equivalent to it"),
    Standing.NON_INFERIOR: ("is not worse by more than the margin", "are not worse by more than the margin"),
    Standing.UNDECIDED: ("is not shown to differ from it", "are not shown to differ from it"),
    Standing.WORSE: ("is worse", "are worse"),
    Standing.NOT_CONVERGED: (
        "was still improving when training ended and is not judged",
        "were still improving when training ended and are not judged",
    ),
    Standing.NOT_COMPARED: ("cannot be compared yet", "cannot be compared yet"),
    Standing.NO_RESULT: ("has no result yet", "have no result yet"),
}

_OPEN = frozenset({Standing.NO_RESULT, Standing.NOT_COMPARED})


def answer(results: StudyResults, scale: Scale) -> str:
    """What the study found, in one sentence: every arm with where it stands against the baseline."""
    baseline = baseline_of(results)
    rivals = [arm for arm in results.arms if not arm.is_baseline and not arm.is_blind]
    if baseline.mean is None:
        return f"No answer yet: {the_baseline(_short(baseline))} has no result to compare with."
    if not rivals:
        return f"No answer: the study has no arm besides {the_baseline(_short(baseline))}."
    if not baseline.converged:
        return (
            f"No answer yet: {the_baseline(_short(baseline))} was still improving when training ended, "
            "so no arm can be judged against it."
        )
    groups = _groups(rivals, results)
    if set(groups) <= _OPEN and len(baseline.seeds) == 1:
        return f"No answer yet: a comparison with {the_baseline(_short(baseline))} needs a second seed of every arm."
    if set(groups) <= _OPEN:
        return f"No answer yet: no arm can be compared with {the_baseline(_short(baseline))} so far."
    named = f"{the_baseline(_short(baseline))} ({value_text(baseline.mean.estimate, scale)})"
    parts = [_phrase(word, arms, scale) for word, arms in groups.items()]
    if Standing.BETTER in groups:
        return f"Compared with {named}, {listed(parts)}."
    if set(groups) == {Standing.WORSE}:
        return f"{named[0].upper()}{named[1:]} is the best: {listed(parts)}."
    return f"No arm is shown to be better than {named}: {listed(parts)}."


def cautions(results: StudyResults, scale: Scale) -> list[str]:
    """What qualifies the answer: trials and arms that are missing, and what the blind control says."""
    return [*_missing(results), *_control(results, scale)]


def _groups(arms: list[ArmResult], results: StudyResults) -> dict[Standing, list[ArmResult]]:
    groups: dict[Standing, list[ArmResult]] = {word: [] for word in _PHRASES}
    for arm in arms:
        groups[standing(arm, results)].append(arm)
    return {word: members for word, members in groups.items() if members}


def _phrase(word: Standing, arms: list[ArmResult], scale: Scale) -> str:
    judged = word not in {*_OPEN, Standing.NOT_CONVERGED}
    ranked = (
        sorted(arms, key=lambda arm: -(arm.difference.estimate if arm.difference else 0.0))
        if judged
        else arms
    )
    names = [_named(arm, scale, unit=index == 0, difference=judged) for index, arm in enumerate(ranked)]
    return f"{listed(first(names))} {_PHRASES[word][len(arms) > 1]}"


def _named(arm: ArmResult, scale: Scale, *, unit: bool, difference: bool) -> str:
    if arm.difference is None or not difference:
        return _short(arm)
    step = f"\u00a0{scale.step}" if unit else ""
    return f"{_short(arm)} ({signed(arm.difference.estimate, scale)}{step})"


def _short(arm: ArmResult) -> str:
    return in_line(shorten(arm.name, 60))


def _missing(results: StudyResults) -> list[str]:
    found: list[str] = []
    if not results.trials.is_empty():
        statuses = results.trials["status"].value_counts(sort=True).rows()
        open_ones = [f"{count:,} {status}" for status, count in statuses if status != "finished"]
        if open_ones:
            finished = results.trials.height - sum(
                count for status, count in statuses if status != "finished"
            )
            found.append(
                f"This study is not complete: {finished:,} of {plural(results.trials.height, 'trial')} finished "
                f"({', '.join(open_ones)}). Everything below may still change."
            )
    empty = [_short(arm) for arm in results.arms if arm.mean is None]
    if empty:
        found.append(f"Without a result so far: {', '.join(empty)}.")
    if not results.claims:
        found.append(
            "The study file makes no claim, so nothing was fixed before the results: read it as exploratory."
        )
    return found


def _control(results: StudyResults, scale: Scale) -> list[str]:
    blind = next((arm for arm in results.arms if arm.is_blind), None)
    if blind is None:
        return ["The study has no blind control, so it cannot show that its score needs the images at all."]
    if blind.mean is None or blind.difference is None:
        return ["The blind control cannot be compared yet: whether the score needs the images is not known."]
    own = _own(blind)
    sees = not own or any("image" in each for each in own)
    reached = f"The blind control, {_made(own)}, reaches {value_text(blind.mean.estimate, scale)}"
    if is_significant(blind) and blind.difference.estimate < 0:
        drop = signed(blind.difference.estimate, scale).removeprefix("−")
        shows = "the score does measure seeing" if sees else "this study can tell a worse arm apart"
        return [f"{reached}, {drop} {scale.step} below the baseline: {shows}."]
    hidden = "vision" if sees else "a worse arm"
    return [
        f"{reached} and cannot be told apart from the baseline: this study is not informative about {hidden}."
    ]


def _own(blind: ArmResult) -> list[str]:
    """What makes the control blind besides shuffled images, as a study of another trainer sets it."""
    return [each for each in blind.differs if not each.startswith("data.images: ")]


def _made(own: list[str]) -> str:
    """How the control is blind: by shuffled images here, or by what a study of another trainer sets."""
    return f"made by {', '.join(own)}" if own else "which is shown other images than those asked about"
