"""Everything the page shows, gathered once; the templates of all formats only lay it out."""

from dataclasses import dataclass

from PIL import Image

from ablation_runner.report._answer import answer, cautions
from ablation_runner.report._audit import AuditGroup, audit_groups
from ablation_runner.report._besides import besides
from ablation_runner.report._by_type import by_type
from ablation_runner.report._chart import Figure
from ablation_runner.report._choices import choices
from ablation_runner.report._conditions import conditions
from ablation_runner.report._cost import cost
from ablation_runner.report._curves import curves
from ablation_runner.report._disagreements import RULE, TOKENS, Disagreement, disagreements
from ablation_runner.report._dose import dose_sections
from ablation_runner.report._effects import effect_sections
from ablation_runner.report._forest import forest
from ablation_runner.report._numbers import Scale, plural, scale_of
from ablation_runner.report._pictures import allocated, picture
from ablation_runner.report._reading import Term, reading, terms
from ablation_runner.report._recommendation import recommendation
from ablation_runner.report._rows import (
    ArmRow,
    DifferingRow,
    TrialRow,
    arm_rows,
    differing_rows,
    known_facts,
    open_trials,
    type_tables,
    warnings,
)
from ablation_runner.report._section import Section, with_figure
from ablation_runner.report._seeds import seeds
from ablation_runner.report._standing import baseline_of
from ablation_runner.report._transfer import transfer
from ablation_runner.results import ClaimResult, StudyResults


@dataclass(frozen=True, kw_only=True)
class Page:
    """The report before it is laid out; texts of others stand in it as they came."""

    name: str
    title: str
    question: str
    baseline: str
    answer: str
    scope: str
    stands_for: str
    scale: Scale
    cautions: list[str]
    claims: tuple[ClaimResult, ...]
    recommendation: Section | None
    arms: list[ArmRow]
    facts: dict[str, str]
    warnings: dict[str, list[str]]
    sections: list[Section]
    rule: str
    disagreements: list[tuple[Disagreement, Image.Image | None, dict[str, Image.Image]]]
    differing: list[DifferingRow]
    trials: int
    open_trials: list[TrialRow]
    unconverged: list[str]
    convergence_known: bool
    audit: list[AuditGroup]
    reading: str
    terms: list[Term]
    environment: dict[str, str]
    command: str

    @property
    def has_results(self) -> bool:
        """Whether any arm has a finished trial."""
        return any(arm.mean_range for arm in self.arms)

    @property
    def all_locked(self) -> bool:
        """Whether every claim was fixed before the first result."""
        return all(claim.locked for claim in self.claims)

    @property
    def figures(self) -> list[Figure]:
        """The figures that the study has, in the order of the page."""
        return [section.figure for section in self.sections if section.figure]


def gather(results: StudyResults) -> Page:
    """The page of a study, finished or not."""
    scale = scale_of(results.metric)
    scope, rows = _scope(results), arm_rows(results, scale)
    return Page(
        name=results.name,
        title=results.title,
        question=results.question,
        baseline=baseline_of(results).name,
        answer=answer(results, scale),
        scope=", ".join(scope),
        stands_for=results.stands_for or "",
        scale=scale,
        cautions=cautions(results, scale),
        claims=results.claims,
        recommendation=recommendation(results, scale),
        arms=rows,
        facts=known_facts(rows),
        warnings=warnings(results),
        sections=_sections(results, scale),
        rule=f"{RULE} {TOKENS}" if any(results.allocations.values()) else RULE,
        disagreements=[
            (found, picture(results, found.image_id), allocated(results, found.item))
            for found in disagreements(results)
        ],
        differing=differing_rows(results),
        trials=results.trials.height,
        open_trials=open_trials(results),
        unconverged=[arm.name for arm in results.arms if arm.mean is not None and not arm.converged],
        convergence_known=all(arm.convergence_known for arm in results.arms if arm.mean is not None),
        audit=audit_groups(results.audit),
        reading=reading(results, scale),
        terms=terms(results, scale),
        environment=results.environment,
        command=results.command,
    )


def _sections(results: StudyResults, scale: Scale) -> list[Section]:
    """The parts that this study has, in the order of the page."""
    found = (
        with_figure(forest(results, scale)),
        *dose_sections(results, scale),
        *effect_sections(results, scale),
        cost(results, scale),
        transfer(results, scale),
        conditions(results, scale),
        with_figure(by_type(results, scale), grids=type_tables(results, scale), folded=True),
        choices(results),
        besides(results),
        seeds(results),
        with_figure(curves(results)),
    )
    return [section for section in found if section]


def _scope(results: StudyResults) -> list[str]:
    """How large the study is: arms, seeds, questions, images."""
    blind = sum(arm.is_blind for arm in results.arms)
    scope = [plural(len(results.arms) - blind, "arm") + (" and a blind control" if blind else "")]
    scope.append(plural(len({seed for arm in results.arms for seed in arm.seeds}), "seed"))
    if results.questions:
        scope.append(f"{plural(results.questions, 'test question')} about {plural(results.images, 'image')}")
    return [*scope, f"{results.scale} scale"]
