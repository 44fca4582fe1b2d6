"""What each factor does: its effect with an interval, how factors change each other's, and shares in the gain."""

from collections.abc import Sequence

from ablation_runner.report._effect_chart import effect_figure
from ablation_runner.report._interactions import interactions
from ablation_runner.report._numbers import Scale, p_text, range_text, signed
from ablation_runner.report._section import Cell, Grid, Section, grids, with_figure
from ablation_runner.report._text import first, in_line, listed, shorten
from ablation_runner.results import DesignEffects, EffectResult, StudyResults

_KINDS = {
    "shapley": "Shapley value",
    "leave one out": "left out",
    "add one in": "added alone",
    "build-up": "added in turn",
}

_MEANINGS = {
    "shapley": "Shapley value: its gain averaged over all orders of adding the components; the values sum to all minus none",
    "leave one out": "Left out: all components minus all but this one",
    "add one in": "Added alone: it alone minus none",
    "build-up": "Added in turn: what it added to the components before it",
}


def effect_sections(study: StudyResults, scale: Scale) -> list[Section]:
    """Effects, interactions and attribution; those that the study's design gives."""
    found = study.effects
    if found is None:
        return []
    sections = (_effects(found, scale), interactions(found, scale), _attribution(found, scale))
    return [section for section in sections if section]


def _effects(found: DesignEffects, scale: Scale) -> Section | None:
    main = [effect for effect in found.effects if effect.kind == "main effect"]
    if not main:
        return None
    levels = [
        f"{shorten(name, 40)}: {shorten(names[0], 40)} → {shorten(names[1], 40)}"
        for name, names in found.levels.items()
        if len(names) == 2
    ]
    text = [f"Levels of the factors: {'; '.join(levels)}."] if levels else []
    return with_figure(
        effect_figure(
            main, scale, name="effects", title="Effect of each factor", short="Effects", kinds={},
            caption=f"Dot: change of {scale.word} from the baseline's level of the factor to the other, averaged over the "
            f"other factors' levels, in {scale.axis}. Line: its 95 % interval.",
        ),
        text=[*text, *_late(found)],
        note="Adjusted p: corrected for all effects in the table. " + _aliased(found.effects),
        grids=_table("Effect", found.effects, scale),
    )  # fmt: skip


def _attribution(found: DesignEffects, scale: Scale) -> Section | None:
    if not found.attribution:
        return None
    kinds = [kind for kind in _KINDS if any(effect.kind == kind for effect in found.attribution)]
    several = len(kinds) > 1
    return with_figure(
        effect_figure(
            found.attribution, scale, name="attribution", title="What each component is worth", short="Attribution",
            kinds={kind: _KINDS[kind] for kind in kinds} if several else {},
            caption=f"Dots: what a component adds, in {scale.axis}. {'. '.join(_MEANINGS[kind] for kind in kinds)}. Lines: 95 % "
            "intervals.",
        ),
        text=_late(found),
        note=(
            "A star marks a p below 0.05, adjusted for all values in the table. "
            if several
            else "Adjusted p: corrected for all values in the table. "
        )
        + ("Components that replace each other are worth much alone and little when left out. " if several else "")
        + " ".join(dict.fromkeys(warning for effect in found.attribution for warning in effect.warnings if "Redundant" in warning)),
        grids=_table("Component", found.attribution, scale),
    )  # fmt: skip


def _table(head: str, effects: Sequence[EffectResult], scale: Scale) -> tuple[Grid, ...]:
    """Effects as rows; where there are several kinds of one component, kinds as columns."""
    names = list(dict.fromkeys(_named(effect) for effect in effects))
    if len(names) < len(effects):
        kinds = list(dict.fromkeys(effect.kind for effect in effects))
        cells = {(_named(effect), _KINDS[effect.kind]): _cell(effect, scale, star=True) for effect in effects}
        return grids(head, [_KINDS[kind] for kind in kinds], names, cells)
    columns = ("Effect" if head != "Effect" else "Size", "Adjusted p")
    table = {(_named(effect), columns[0]): _cell(effect, scale) for effect in effects}
    table |= {(_named(effect), columns[1]): (p_text(effect.p_adjusted), "") for effect in effects}
    return grids(head, columns, names, table)


def _named(effect: EffectResult) -> str:
    return effect.name.replace(":", " × ") if effect.kind == "interaction" else effect.name


def _cell(effect: EffectResult, scale: Scale, *, star: bool = False) -> Cell:
    mark = "*" if star and effect.p_adjusted is not None and effect.p_adjusted < 0.05 else ""
    return signed(effect.difference.estimate, scale) + mark, range_text(effect.difference, scale, sign=True)


def _aliased(effects: Sequence[EffectResult]) -> str:
    """What the design cannot tell apart, in words."""
    said = [
        warning
        for effect in effects
        for warning in effect.warnings
        if "alias" in warning.lower() or "mixed" in warning
    ]
    return " ".join(dict.fromkeys(said))


def _late(found: DesignEffects) -> list[str]:
    if not found.late:
        return []
    names = listed(first([in_line(shorten(name, 40)) for name in found.late]))
    return [f"Had not converged, so these numbers may still change: {names}."]
