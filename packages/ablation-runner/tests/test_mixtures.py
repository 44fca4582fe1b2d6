"""Several encoders as one in a study: checked before anything is loaded, each one's features stored once."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from ablation_runner.cleaning.needed_features import NeededFeatures
from ablation_runner.plan import plan_trials, resolve_arms
from ablation_runner.study import Configuration, parse_study
from ablation_runner.trial.inputs.material import load_material

VIT = {
    "name": "small-vit", "weights": "random", "image_size": 32, "feature_layer": -1,
    "shape": {"size": 32, "width": 32, "depth": 1},
}  # fmt: skip
PATCHES = {"name": "raw-patches-8", "image_size": 64, "feature_layer": -1}


def baseline(encoder: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The configuration of a small model that sees by the encoder given."""
    return {
        "data": {"task": "easy-vqa", "limit": 20},
        "encoder": encoder,
        "tokens": {"budget": 4},
        "model": {"connector": "concatenation", "language_model": {"name": "llama-tiny", "width": 32}},
        "training": {"steps": 2},
    } | more


def configuration(encoder: dict[str, Any], **more: Any) -> Configuration:
    return Configuration.model_validate(baseline(encoder, **more))


def mixture(**more: Any) -> dict[str, Any]:
    return VIT | {"mixed_with": [PATCHES]} | more


def load(wanted: Configuration, folder: Path) -> Any:
    return load_material(wanted, 0, folder, lambda event, **fields: None)


def test_members_share_their_stores_with_the_arms_that_have_one_of_them(tmp_path: Path) -> None:
    alone = load(configuration(VIT), tmp_path)
    mixed = load(configuration(mixture()), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    seen, own = mixed.images("test", [0, 1]), alone.images("test", [0, 1])
    assert torch.equal(seen.features[..., :32], own.features)
    assert seen.features.shape == (2, 16, 32 + 3 * 8 * 8)
    assert mixed.spec.width == seen.features.shape[2]


def test_a_mixture_costs_what_its_members_cost_together(tmp_path: Path) -> None:
    vit, patches, mixed = (load(configuration(encoder), tmp_path) for encoder in (VIT, PATCHES, mixture()))
    assert mixed.stored.macs == vit.stored.macs + patches.stored.macs > 0
    assert mixed.stored.parameters == vit.stored.parameters + patches.stored.parameters > 0


def test_the_stores_of_all_members_are_needed_by_a_plan(tmp_path: Path) -> None:
    load(configuration(mixture()), tmp_path)
    load(configuration(VIT | {"image_size": 64}), tmp_path)
    study = parse_study(study_of(mixture(), VIT), source="mixtures.toml")
    trials = plan_trials(study, resolve_arms(study), processes=1, data="")
    needed = NeededFeatures(trials, unfinished=False)
    assert sum(needed.hold(store) for store in tmp_path.iterdir()) == 2


def study_of(*encoders: dict[str, Any]) -> dict[str, Any]:
    levels = {f"level-{index}": encoder for index, encoder in enumerate(encoders)}
    return {
        "title": "Which encoders?",
        "question": "Which?",
        "seeds": [0],
        "baseline": baseline(encoders[0]),
        "factors": {"encoder": {"path": "encoder", "levels": levels}},
    }


def test_the_whole_encoder_is_one_factor() -> None:
    first, second, blind = resolve_arms(parse_study(study_of(VIT, mixture()), source="mixtures.toml"))
    assert (first.is_baseline, blind.is_blind) == (True, True)
    assert [difference.path for difference in second.differences] == ["encoder.mixed_with"]


@pytest.mark.parametrize(
    ("encoder", "more", "rule"),
    [
        (mixture(combine="interleave"), {}, r"interleave needs equal widths, got \[32, 192\]"),
        (VIT | {"combine": "tokens"}, {}, "joins several encoders, and mixed_with names none"),
        (
            mixture(),
            {"training": {"steps": 2, "encoder": "full"}},
            "encoders that are mixed stay as they are",
        ),
        (
            VIT | {"mixed_with": [VIT], "combine": "tokens"},
            {"tokens": {"method": "average-pool", "budget": 4}},
            "'average-pool' needs a grid, which encoder.combine = 'tokens' does not leave",
        ),
        (mixture(), {"tokens": {"budget": 17}}, "small-vit and raw-patches-8 gives 16 tokens at 32 px"),
    ],
)
def test_mixtures_that_cannot_be_are_refused(encoder: Any, more: Any, rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        configuration(encoder, **more)


def test_an_allocator_reads_one_encoder() -> None:
    model = baseline(VIT)["model"] | {"allocator": "uniform"}
    training = {"steps": 2, "questions_per_image": 1}
    with pytest.raises(ValidationError, match=r"leave encoder\.mixed_with out"):
        configuration(mixture(), model=model, training=training)
