"""How to read the report: what is estimated, what the interval covers, and what each word means."""

from typing import NamedTuple

from ablation_runner.report._numbers import Scale, plural
from ablation_runner.results import StudyResults


class Term(NamedTuple):
    """A word of the report with its meaning."""

    word: str
    meaning: str


def reading(results: StudyResults, scale: Scale) -> str:
    """One paragraph: the estimand, the interval, the adjusted p."""
    seeds = len({seed for arm in results.arms for seed in arm.seeds})
    return (
        f"A difference is an arm's {scale.word} minus the baseline's on the same test questions and with the same "
        f"training seeds, averaged over {plural(seeds, 'seed')}. Its 95 % interval allows for two kinds of luck at "
        "once: which images were asked about, and which seed trained the model (two-way standard errors with a t "
        "distribution; questions about one image are not counted as independent). Adjusted p is the chance of a "
        "difference at least this large if there were none, corrected for the number of arms compared; the intervals "
        "are not corrected, so an interval may lie just beside zero while its adjusted p is above 0.05."
        + (" Intervals of shares are cut at 0 and 100 %." if scale.unit == "%" else "")
    )


def terms(results: StudyResults, scale: Scale) -> list[Term]:
    """The words of the tables, each with its meaning."""
    expected = [
        Term(
            "literature, hypothesis",
            "in brackets behind a claim: how large the difference is in publications, or is thought to be; it is there to be "
            "compared with and has no part in the verdict.",
        )
    ]
    named = any(word in claim.text for claim in results.claims for word in ("literature:", "hypothesis:"))
    return [
        *(expected if named else []),
        Term(
            "arm",
            "one configuration that is trained and tested; the baseline is the arm that the others differ from.",
        ),
        Term(
            "seed",
            "the number that all chance in training follows from; another seed trains the same arm anew.",
        ),
        Term("margin", "the smallest difference that matters, as the study file declared it with a claim."),
        Term("better, worse", "adjusted p is below 0.05, and the arm had converged."),
        Term(
            "equivalent",
            "shown to lie within the margin that the study file declared as making no difference, by a 90 % interval, which is "
            "what two one-sided tests at 5 % come to.",
        ),
        Term(
            "non-inferior", "shown not to be worse by more than the declared margin, by a 90 % interval too."
        ),
        Term(
            "inconclusive", "the data allow both a difference and none; more seeds or questions would tell."
        ),
        Term(
            "not compared yet",
            "a comparison with an interval needs two seeds that all its arms have finished.",
        ),
        Term(
            "not informative",
            "the study cannot tell even the blind control apart, so it cannot show “no difference”.",
        ),
        Term("supported, refuted", "the claim as it was written holds, or its opposite does."),
        Term(
            "exploratory",
            "a claim added after the first result was seen; it needs a new study to be confirmed.",
        ),
        Term(
            "converged",
            "the validation loss, averaged over seeds, fell by no more than 5 % or 0.01 over the last fifth of the training "
            "steps; other arms are not judged, since more training could change their scores.",
        ),
        Term(
            "blind control",
            f"trained like the baseline but shown other images: the {scale.word} without seeing.",
        ),
        Term(
            "dose",
            "a number that arms differ in, such as visual tokens; enough is the smallest that is shown to hold the score.",
        ),
        Term("condition", "what a trained model was tested under without being trained again."),
        Term("Pareto front", "the arms that no other arm matches or beats in both score and cost."),
        Term("parameters", "weights that were trained; frozen ones are not counted."),
        Term("MACs", "multiply-accumulate operations of one question, forward."),
        Term("visual tokens", "vectors per image that the language model sees."),
        Term(
            "invalid answers",
            "test answers that are empty or not of a form the metric accepts; they count as wrong.",
        ),
        Term(
            "scale",
            "cpu: small models that stand for large ones, as said at the top; directions may carry over, sizes "
            "need not. gpu: models of the size that the literature speaks of.",
        ),
        Term("training time", "of one trial, median over seeds, on the machine named below."),
    ]
