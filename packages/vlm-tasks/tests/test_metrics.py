"""Golden values: by hand, or from the scorer named beside them."""

import math

import polars as pl
import pytest

from vlm_tasks import corpus_value, list_metrics, metric_kind, score_predictions
from vlm_tasks.metrics._anls import levenshtein
from vlm_tasks.metrics._caption_tokens import caption_tokens
from vlm_tasks.metrics._multiple_choice import parse_choice
from vlm_tasks.metrics._table import METRICS, load
from vlm_tasks.metrics._types import INVALID, ItemScore, Reference
from vlm_tasks.metrics._vqa_accuracy import agreement
from vlm_tasks.metrics._vqa_text import plain_words, pythia_text, strip_punctuation


def score(metric: str, prediction: str, *answers: str, choices: tuple[str, ...] = ()) -> ItemScore:
    return load(METRICS[metric].place)(prediction, Reference(answers, choices))


@pytest.mark.parametrize(("matches", "expected"), list(enumerate([0, 0.3, 0.6, 0.9, 1, 1, 1, 1, 1, 1, 1])))
def test_vqa_agreement_is_the_leave_one_out_table(matches, expected):
    answers = ["cat"] * matches + [f"other {number}" for number in range(10 - matches)]
    assert agreement("cat", answers) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "expected"),  # run through the official vqaEval.py
    [
        ("1,000 kg. (approx)", "1000 kg approx"),
        ("black-and-white", "black and white"),
        ("U.S.A.", "USA"),
        ("2.5 m.", "2.5 m"),
        ("what?!", "what  "),
        ("a-b, c-d", "a b c d"),
        (". " * 40 + "x", " " * 32 + ". " * 8 + "x"),
    ],
)
def test_punctuation_goes_as_in_the_official_script(text, expected):
    assert strip_punctuation(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("None", "0"),
        ("The two  dogs arent an issue", "2 dogs aren't issue"),
        ("yall'll", "y'all'll"),
        ("a", ""),
    ],
)
def test_words_go_as_in_the_official_script(text, expected):
    assert plain_words(text) == expected


def test_textvqa_normalises_unanimous_answers_and_vqav2_does_not():
    assert pythia_text("Don't, WALK?") == "don't walk"
    assert score("textvqa_accuracy", "don't walk", *["DON'T WALK"] * 10).value == 1
    assert score("vqa_accuracy", "don't walk", *["DON'T WALK"] * 10).value == 0
    # The official script turns a predicted "none" into 0 and leaves the annotators' "none" as it is.
    assert score("vqa_accuracy", "none", *["none"] * 10).value == 0


@pytest.mark.parametrize("metric", ["vqa_accuracy", "textvqa_accuracy"])
def test_vqa_accuracy_refuses_other_than_ten_annotators(metric):
    with pytest.raises(ValueError, match="ten annotators; got 1"):
        score(metric, "cat", "cat")


@pytest.mark.parametrize(
    ("prediction", "answer", "expected"),
    [
        ("105", "100", 1), ("95", "100", 1), ("105.1", "100", 0), ("94.9", "100", 0),
        ("-105", "-100", 1), ("100", "-100", 0),
        ("50%", "0.5", 1), ("50%", "50", 0), ("0.51", "50%", 1),
        ("0", "0", 1), ("0.0", "0", 0), ("0.001", "0", 0),  # a target of 0 has to match as text
        ("1,000", "1000", 0), ("1,000", "1,000", 1),  # no thousands separators
        ("Yes", "yes", 1), ("nan", "3", 0), ("inf", "3", 0),
    ],
)  # fmt: skip
def test_relaxed_accuracy(prediction, answer, expected):
    assert score("relaxed_accuracy", prediction, answer).value == expected


def test_anls_by_hand():
    assert levenshtein("kitten", "sitting") == 3
    assert levenshtein("", "abc") == 3
    assert score("anls", "help", "hello").value == pytest.approx(0.6)
    assert score("anls", "HELLO  world ", "hello world").value == 1
    assert score("anls", "abxx", "abcd").value == 0.5  # the official scorer keeps exactly a half
    assert score("anls", "axxx", "abcd").value == 0
    assert score("anls", "cat", "dog", "cats").value == 0.75
    # Distance 2 after the inner spaces are collapsed, over the 9 characters that were given.
    assert score("anls", "ab   cdef", "ab cd").value == pytest.approx(1 - 2 / 9)


CHOICES = ("a dog", "a cat", "42", "A")


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"), ("b", "B"), ("(B)", "B"), ("[c]", "C"), ("B.", "B"), ("B. a cat", "B"), ("(C) 42", "C"),
        ("A cat", "B"), ("42", "C"), ("A", "D"), ("The answer is B.", "B"), ("Option: (c)", "C"), ("I think (B)", "B"),
        ("The answer is B because", "B"), ("Answer: B, not (A)", None), ("E", None), ("maybe", None), ("", None), ("A dog or a cat", None),
        ("The answer is a mystery", None), ("Both (A) and (B)", None), ("7", None), ("answer is D'oh", None),
    ],
)  # fmt: skip
def test_choices_are_parsed_and_never_guessed(text, letter):
    assert parse_choice(text, CHOICES) == letter


def test_multiple_choice_scores_and_says_invalid():
    assert score("multiple_choice", "(B)", "B", choices=CHOICES) == ItemScore(1.0)
    assert score("multiple_choice", "C", "a cat", choices=CHOICES) == ItemScore(0.0)
    assert score("multiple_choice", "who knows", "B", choices=CHOICES) == INVALID
    with pytest.raises(ValueError, match=r"2\.\.26 choices; got 0"):
        score("multiple_choice", "B", "B")
    with pytest.raises(ValueError, match="'a cow' is none of the choices"):
        score("multiple_choice", "B", "a cow", choices=CHOICES)


def test_identical_choices_cannot_be_told_apart_by_their_text():
    assert parse_choice("a cat", ["a cat", "a cat"]) is None


CAPTIONS = {
    "a brown dog runs on the grass": [
        "a dog is running through the grass",
        "the brown dog runs across green grass",
    ],
    "two people ride bikes down a street": [
        "people riding bikes on the street",
        "two cyclists ride down a busy street in the city",
        "two people ride bicycles",
    ],
    "a red bus": ["a big red double decker bus parked on the street"],
    "a cat sleeps on a sofa next to a cat": ["a cat sleeping on a couch", "the cat sleeps on a sofa"],
}


def captions() -> tuple[pl.DataFrame, pl.DataFrame]:
    ids = [str(number) for number in range(len(CAPTIONS))]
    items = pl.DataFrame({"item_id": ids, "answers": list(CAPTIONS.values())})
    return items, pl.DataFrame({"item_id": ids[::-1], "prediction": list(CAPTIONS)[::-1]})


def test_cider_agrees_with_pycocoevalcap():
    golden = [2.4893556781224433, 1.9928839394077777, 0.7136124342703063, 2.604138474981606]
    assert score_predictions(*captions(), "cider")["value"].to_list() == pytest.approx(golden, rel=1e-9)


def test_cider_refuses_a_single_item():
    items, predictions = captions()
    with pytest.raises(ValueError, match="at least two items; got 1"):
        score_predictions(items[:1], predictions[-1:], "cider")


def test_rouge_l_agrees_with_pycocoevalcap():
    golden = [0.5714285714285714, 0.7349397590361446, 0.4206896551724138, 0.6545064377682404]
    assert score_predictions(*captions(), "rouge_l")["value"].to_list() == pytest.approx(golden, rel=1e-12)


def test_rouge_l_of_nothing_in_common_is_zero():
    assert score("rouge_l", "one two", "three four") == ItemScore(0.0)


def test_rouge_l_refuses_references_without_a_word():
    with pytest.raises(ValueError, match=r"needs a reference with words; got \['\.', ''\]"):
        score("rouge_l", "one two", ".", "")
    assert score("rouge_l", "one two", ".", "one two").value == 1


def test_bleu4_agrees_with_sacrebleu_and_pycocoevalcap():
    assert corpus_value(*captions(), "bleu4") == pytest.approx(0.317540968338388, rel=1e-9)


def test_bleu4_of_a_resample_is_that_of_the_repeated_corpus():
    items, predictions = captions()
    counts = [2, 0, 1, 3]
    rows = [(number, copy) for number, count in enumerate(counts) for copy in range(count)]
    repeated_items = pl.DataFrame(
        {"item_id": [f"{n}-{c}" for n, c in rows], "answers": [list(CAPTIONS.values())[n] for n, _ in rows]}
    )
    repeated = repeated_items.select("item_id").with_columns(
        prediction=pl.Series([list(CAPTIONS)[n] for n, _ in rows])
    )
    expected = corpus_value(repeated_items, repeated, "bleu4")
    assert corpus_value(items, predictions, "bleu4", counts=counts) == pytest.approx(expected, rel=1e-12)


def test_corpus_metrics_have_no_item_values():
    scores = score_predictions(*captions(), "bleu4")
    assert scores["value"].null_count() == len(scores)
    assert scores["valid"].all()
    with pytest.raises(ValueError, match="exact_match is a mean of item scores"):
        corpus_value(*captions(), "exact_match")
    with pytest.raises(ValueError, match="counts are 4 numbers"):
        corpus_value(*captions(), "bleu4", counts=[1, 2])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A man isn't HERE.", "a man is n't here"),
        ("the dog's 2 bowls, 3.5 feet", "the dog 's 2 bowls 3.5 feet"),
        ("a black-and-white cat; (sleeping)", "a black-and-white cat sleeping"),
        ("they’re can't", "they 're ca n't"),
        ("", ""),
    ],
)
def test_captions_are_tokenised_like_the_penn_treebank(text, words):
    assert caption_tokens(text) == words.split()


def test_pope_metrics_by_hand():
    """Truth yes: yes, yes, no, unclear; truth no: yes, no, no."""
    truth = ["yes"] * 4 + ["no"] * 3
    given = ["Yes, there is.", "yes", "No.", "unclear", "yes", "There is not. Yes it is", "no"]
    items = pl.DataFrame({"item_id": list("abcdefg"), "answers": [[answer] for answer in truth]})
    predictions = pl.DataFrame({"item_id": list("abcdefg"), "prediction": given})
    values = {}
    for metric in ("accuracy", "f1", "precision", "recall", "yes_rate"):
        scores = score_predictions(items, predictions, f"pope_{metric}")
        assert scores["valid"].to_list() == [True] * 3 + [False] + [True] * 3
        values[metric] = scores["value"].sum() / scores["weight"].sum()
    precision, recall = 2 / 3, 2 / 4
    assert values["precision"] == pytest.approx(precision)
    assert values["recall"] == pytest.approx(recall)
    assert values["f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert values["accuracy"] == pytest.approx(4 / 7)
    assert values["yes_rate"] == pytest.approx(3 / 7)


def test_an_invalid_answer_about_an_absent_object_is_a_false_alarm():
    assert score("pope_f1", "hm", "no") == ItemScore(0.0, 1.0, valid=False)
    with pytest.raises(ValueError, match="POPE's answers are yes or no"):
        score("pope_accuracy", "yes", "maybe")


def test_exact_match_ignores_case_space_and_a_final_full_stop():
    assert score("exact_match", " Dark  red. ", "dark red").value == 1
    assert score("exact_match", "dark", "dark red").value == 0
    assert score("exact_match", " . ", "red") == INVALID


def test_recall_of_ranked_lists():
    assert score("recall_at_1", '["b", "a"]', "a").value == 0
    assert score("recall_at_5", '["b", "a"]', "a").value == 1
    assert score("recall_at_10", "[3, 1]", "1").value == 1
    assert score("recall_at_10", "a b", "a") == INVALID
    assert score("recall_at_10", '["a", "a"]', "a") == INVALID


@pytest.mark.parametrize("metric", list_metrics())
def test_every_metric_gives_nothing_for_nothing_and_calls_it_invalid(metric):
    answers = {"vqa": ["yes"] * 10, "textvqa": ["yes"] * 10}.get(metric.split("_")[0], ["yes"])
    items = pl.DataFrame({"item_id": ["1", "2"], "answers": [answers] * 2, "choices": [["yes", "no"]] * 2})
    predictions = pl.DataFrame(
        {"item_id": ["1", "2"], "prediction": [None, "  "]}, schema_overrides={"prediction": pl.String}
    )
    scores = score_predictions(items, predictions, metric)
    assert scores["valid"].to_list() == [False, False]
    assert scores["value"].drop_nulls().sum() == 0


@pytest.mark.parametrize("metric", [name for name in list_metrics() if metric_kind(name) != "corpus"])
def test_item_scores_do_not_depend_on_the_order(metric):
    answers = [["yes"] * 10, ["no"] * 10, ["yes"] * 10]
    items = pl.DataFrame({"item_id": ["1", "2", "3"], "answers": answers, "choices": [["yes", "no"]] * 3})
    predictions = pl.DataFrame({"item_id": ["1", "2", "3"], "prediction": ["yes", '["no"]', "no"]})
    scores = score_predictions(items, predictions, metric)
    again = score_predictions(items.reverse(), predictions.sort("prediction"), metric).reverse()
    assert scores.equals(again)
    assert not any(math.isnan(value) for value in scores["value"])
