"""Numbers as people read them: no digit that a study cannot bear, a true minus, a unit that does not wrap away."""

import math
from dataclasses import dataclass, replace

from ablation_runner.results import Interval
from ablation_stats import Unit
from vlm_tasks import list_metrics

NOTHING = "–"
# What a metric is called in a sentence, where not "accuracy".
_WORDS = {
    "anls": "ANLS",
    "bleu4": "BLEU-4",
    "cider": "CIDEr",
    "judged_rightly": "share judged rightly",
    "pope_f1": "F1",
    "pope_precision": "precision",
    "pope_recall": "recall",
    "pope_yes_rate": "share of yes",
    "recall_at_1": "recall at 1",
    "recall_at_5": "recall at 5",
    "recall_at_10": "recall at 10",
    "rouge_l": "ROUGE-L",
}
# What lm-eval, lmms-eval and VLMEvalKit call the share of right answers, and what planted-truth measures.
_ACCURACIES = frozenset({"judged_rightly", "acc", "accuracy", "exact_match", "exact-match", "hit"})
_CAPTION = "caption_"
_SPACE = "\u00a0"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How a metric is shown.

    Attributes:
        factor: what a stored value is multiplied with: 100 for shares.
        decimals: digits after the point.
        unit: follows a value ("%"), or nothing.
        step: what one unit of a difference is called ("points").
        axis: the unit of a difference in full ("percentage points").
        word: the metric in a sentence ("accuracy").
    """

    factor: float
    decimals: int
    unit: str
    step: str
    axis: str
    word: str

    @property
    def heading(self) -> str:
        """The metric at the beginning of a line ("Accuracy")."""
        return self.word[:1].upper() + self.word[1:]

    @property
    def in_sentences(self) -> Unit:
        """How ablation-stats writes the metric, so that its sentences and the tables speak the same unit."""
        return Unit(
            factor=self.factor, name=self.step, decimals=self.decimals, items="questions", clusters="images"
        )


def scale_of(metric: str) -> Scale:
    """The scale of a metric: percent where it is a share of 1, as all of vlm-tasks are but CIDEr, whose hundredths are points.

    So are the shares of right answers of other harnesses; any other metric is shown as it is, under its own name.
    A metric of the captions that an arm writes is named so.

    >>> scale_of("exact_match").axis, scale_of("exact_match").word
    ('percentage points', 'accuracy')
    >>> scale_of("mme_score").factor, scale_of("mme_score").word
    (1.0, 'mme_score')
    >>> scale_of("judged_rightly").axis, scale_of("judged_rightly").word
    ('percentage points', 'share judged rightly')
    >>> scale_of("caption_rouge_l").axis, scale_of("caption_rouge_l").heading
    ('percentage points', 'Caption ROUGE-L')
    """
    if metric.startswith(_CAPTION):
        own = scale_of(metric.removeprefix(_CAPTION))
        return replace(own, word=f"caption {own.word}")
    name = metric.partition(",")[0]  # lm-eval adds its filter: "exact_match,strict-match"
    if name not in _ACCURACIES and name not in list_metrics():
        return Scale(factor=1.0, decimals=3, unit="", step=metric, axis=metric, word=metric)
    word = _WORDS.get(metric, "accuracy")
    if metric == "cider":
        return Scale(factor=100.0, decimals=1, unit="", step="points", axis="points", word=word)
    return Scale(factor=100.0, decimals=1, unit="%", step="points", axis="percentage points", word=word)


def number(value: float, scale: Scale) -> str:
    """A value of the metric without its unit: one decimal of a percentage; never a negative zero."""
    if not math.isfinite(value):
        return "not defined"
    rounded = round(value * scale.factor, scale.decimals) + 0.0
    return f"{rounded:.{scale.decimals}f}".replace("-", "−")


def value_text(value: float, scale: Scale) -> str:
    """A value with its unit: 88.4 %."""
    return f"{number(value, scale)}{_SPACE}{scale.unit}" if scale.unit else number(value, scale)


def signed(value: float, scale: Scale) -> str:
    """A difference with its sign, no unit: +0.3, −6.2, 0.0."""
    text = number(value, scale)
    return text if text.startswith("−") or not any(digit in text for digit in "123456789") else f"+{text}"


def range_text(interval: Interval, scale: Scale, *, sign: bool = False) -> str:
    """The ends of an interval in words, so that minus signs and dashes cannot be confused: −7.1 to −5.3.

    The interval of a share, which is not `sign`, ends at 0 and 100 %, and that of CIDEr at 0, where a t interval need not.
    """
    show = signed if sign else number
    low, high = (interval.low, interval.high) if sign else inside(interval, scale)
    return f"{show(low, scale)} to {show(high, scale)}"


def inside(interval: Interval, scale: Scale) -> tuple[float, float]:
    """The ends of an interval of means, cut to what the metric can be: no share and no CIDEr is below 0."""
    low = max(interval.low, 0.0) if scale.step == "points" else interval.low
    return low, (min(interval.high, 1.0) if scale.unit == "%" else interval.high)


def p_text(p: float | None) -> str:
    """A p value with as many digits as matter: <0.001, 0.034, 0.21.

    >>> p_text(0.00002), p_text(0.0342), p_text(0.213), p_text(0.9999), p_text(None)
    ('<0.001', '0.034', '0.21', '>0.99', '–')
    """
    if p is None:
        return NOTHING
    if not math.isfinite(p):
        return "not defined"
    if p < 0.001:
        return "<0.001"
    if p > 0.99:
        return ">0.99"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def count_text(count: int) -> str:
    """A large count in short: 950, 3.1 k, 312 k, 1.2 M, 4.0 G."""
    for size, letter in ((1, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")):
        shown = count / size
        if letter == "" and round(shown) < 1000:
            return f"{shown:.0f}"
        if letter and shown < 9.95:
            return f"{shown:.1f}{_SPACE}{letter}"
        if letter and (round(shown) < 1000 or letter == "T"):
            return f"{shown:.0f}{_SPACE}{letter}"
    raise AssertionError("unreachable: the last size takes every count")


def seconds_text(seconds: float | None) -> str:
    """A duration to two digits or so: 4.2 s, 141 s, 12 min, 3.4 h."""
    if seconds is None:
        return NOTHING
    for limit, size, unit, decimals in ((9.95, 1, "s", 1), (599.5, 1, "s", 0), (7170, 60, "min", 0)):
        if seconds < limit:
            return f"{seconds / size:.{decimals}f}{_SPACE}{unit}"
    return f"{seconds / 3600:.1f}{_SPACE}h"


def plural(count: int, noun: str) -> str:
    """A count with its noun: 1 seed, 9,673 questions."""
    return f"{count:,}{_SPACE}{noun}" + ("" if count == 1 else "s")


def cost_text(kind: str, amount: float) -> str:
    """An amount of a cost, by the arm's attribute that holds it."""
    if kind == "train_seconds":
        return seconds_text(amount)
    return f"{amount:,.0f}" if kind == "visual_tokens" else count_text(round(amount))
