"""Dose and response: how the score grows with a number, which dose is enough, and where the curve bends."""

from typing import Any

from ablation_runner.report._chart import Figure, draw
from ablation_runner.report._dose_chart import dose_chart, is_log
from ablation_runner.report._numbers import Scale, inside, number, range_text, value_text
from ablation_runner.report._section import Grid, Section, grids, with_figure
from ablation_runner.report._standing import baseline_of
from ablation_runner.report._text import in_line, shorten
from ablation_runner.results import DoseResponse, StudyResults

_COLUMNS = ("Enough", "Bend of the curve")
_WIDE, _NARROW = 600, 280


def dose_sections(study: StudyResults, scale: Scale) -> list[Section]:
    """A section for each number that arms vary alone; empty where there is none."""
    factors = dict.fromkeys(found.factor for found in study.dose_responses)
    return [
        _section([found for found in study.dose_responses if found.factor == factor], place, study, scale)
        for place, factor in enumerate(factors, start=1)
    ]


def dose_text(dose: float) -> str:
    """A dose as it is set: 16, 2,304, 0.001."""
    return f"{dose:,.0f}" if dose == round(dose) else f"{dose:g}"


def _section(found: list[DoseResponse], place: int, study: StudyResults, scale: Scale) -> Section:
    whole = found[0]
    section = with_figure(
        _figure(found, place, study, scale),
        text=(_enough(whole, scale), _bend(whole)),
        note=_note(found),
        grids=_by_type(found, scale),
    )
    assert section is not None
    return section


def _figure(found: list[DoseResponse], place: int, study: StudyResults, scale: Scale) -> Figure:
    whole = found[0]
    rows = [row for each in found for row in _rows(each, study, scale)]
    bends = [
        {"panel": each.subject, "bend": each.bend.estimate, "low": each.bend.low, "high": each.bend.high}
        for each in found
        if each.bend
    ]
    log = is_log([point.dose for point in whole.points])
    least = (
        f" Dashed: the largest dose minus the margin of {_margin(whole, scale)}."
        if _limits(found, scale)
        else ""
    )
    charts = [
        dose_chart(rows, whole.quantity, scale, log=log, panels=len(found), width=width)
        for width in (_WIDE, _NARROW)
    ]
    return draw(
        name="dose-response" if place == 1 else f"dose-response-{place}",
        title=f"{scale.heading} by {whole.quantity}",
        short=f"Dose: {whole.quantity}",
        caption=(
            "Dot: mean over seeds; vertical line: its 95 % interval. Diamond: the baseline."
            + (" Ringed: the smallest dose that is enough." if any(row["enough"] for row in rows) else "")
            + ("" if all(row["converged"] for row in rows) else " Hollow: had not converged.")
            + least
            + (" Shaded: 95 % interval of where the curve bends." if bends else "")
            + (" Each doubling of the dose has the same width." if log else "")
        ),
        data={"rows": _of_kinds(point=rows, bend=bends, limit=_limits(found, scale))},
        wide=charts[0],
        narrow=charts[1],
    )  # fmt: skip


def _rows(found: DoseResponse, study: StudyResults, scale: Scale) -> list[dict[str, Any]]:
    baseline, rows = baseline_of(study).name, []
    for point in found.points:
        low, high = inside(point.mean, scale)
        rows.append(
            {
                "panel": found.subject,
                "dose": point.dose,
                "score": scale.factor * point.mean.estimate,
                "low": scale.factor * low,
                "high": scale.factor * high,
                "label": dose_text(point.dose),
                "shape": "diamond" if point.arm == baseline else "circle",
                "converged": point.converged,
                "enough": point.arm == found.enough,
            }
        )
    return rows


def _limits(found: list[DoseResponse], scale: Scale) -> list[dict[str, Any]]:
    return [
        {"panel": each.subject, "limit": scale.factor * (each.points[-1].mean.estimate - each.margin)}
        for each in found
        if each.margin is not None and not each.blocked
    ]


def _enough(found: DoseResponse, scale: Scale) -> str:
    """The dose to take, in a sentence."""
    largest = found.points[-1]
    against = f"{dose_text(largest.dose)} ({_name(largest.arm)})"
    if found.blocked:
        return f"Which dose is enough cannot be said: {found.blocked}."
    if found.margin is None:
        return "Which dose is enough cannot be said: no claim of the study declares how large a loss matters."
    if found.enough is None:
        return (
            f"No smaller dose is shown to be enough: none, from the largest down, is shown to lose less than "
            f"{_margin(found, scale)} against {against}."
        )
    doses = {point.arm: dose_text(point.dose) for point in found.points}
    quantity = found.quantity.removesuffix("s") if doses[found.enough] == "1" else found.quantity
    after = f"; {doses[found.failed]} is the first that is not shown to" if found.failed else ""
    return (
        f"Enough: {doses[found.enough]} {quantity} ({_name(found.enough)}). It and every larger dose is shown to lose "
        f"less than {_margin(found, scale)} against {against}{after}."
    )


def _bend(found: DoseResponse) -> str:
    if found.bend is None:
        return f"No bend of the curve is given: {found.no_bend}."
    low, high = _about(found.bend.low), _about(found.bend.high)
    spread = f"95 % interval {low} to {high}" if low != high else "the same in every resample of the images"
    return (
        f"The curve bends at {_about(found.bend.estimate)} {found.quantity} ({spread}): two straight lines through score "
        "against doublings of the dose meet there."
    )


def _note(found: list[DoseResponse]) -> str:
    said = []
    if any(not each.blocked and each.margin is not None for each in found):
        said.append(
            "Enough is a test: doses are tried from the largest down, each at an error rate of 5 %, until one is not shown to "
            "hold the score, so what is named is not picked for its luck."
        )
        said += ["Each question type is tested for itself."] if len(found) > 1 else []
    if any(each.bend for each in found):
        said.append(
            "The bend is a description: its interval covers which images were asked about, with these trained models."
        )
    return " ".join(said) or "Smaller numbers are 95 % intervals."


def _by_type(found: list[DoseResponse], scale: Scale) -> tuple[Grid, ...]:
    """The doses of every subject, and the points as a table."""
    whole = "all questions" if len(found) > 1 else scale.heading
    points = {
        (dose_text(point.dose), each.subject or whole): (
            value_text(point.mean.estimate, scale),
            range_text(point.mean, scale),
        )
        for each in found
        for point in each.points
    }
    subjects = [each.subject or whole for each in found]
    doses = [dose_text(point.dose) for point in found[0].points]
    tables = grids(found[0].quantity.capitalize(), subjects, doses, points)
    if len(found) == 1:
        return tables
    summary = {
        (each.subject or whole, column): cell
        for each in found
        for column, cell in zip(_COLUMNS, _summary(each), strict=True)
    }
    return (*grids("Questions", _COLUMNS, subjects, summary), *tables)


def _summary(found: DoseResponse) -> tuple[tuple[str, str], tuple[str, str]]:
    doses = {point.arm: dose_text(point.dose) for point in found.points}
    enough = (doses[found.enough], _name(found.enough)) if found.enough else ("not shown", "")
    bend = found.bend
    if bend is None:
        return enough, ("none", "")
    return enough, (_about(bend.estimate), f"{_about(bend.low)} to {_about(bend.high)}")


def _about(dose: float) -> str:
    """A dose that was estimated, to two digits: no more is known."""
    return f"{float(f'{dose:.2g}'):,g}"


def _margin(found: DoseResponse, scale: Scale) -> str:
    return f"{number(found.margin or 0.0, scale)}\u00a0{scale.step}"


def _name(name: str) -> str:
    return in_line(shorten(name, 60))


def _of_kinds(**rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All rows of a chart as one data set, which is what can be divided into panels."""
    return [{"kind": kind, **row} for kind, own in rows.items() for row in own]
