"""What an arm costs that is trained in half precision: counted on its model's shapes, so that no weights are needed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablation_runner.errors import StudyError
from ablation_runner.outlook.memory import saved_activations
from ablation_runner.outlook.tasks import items_of, task_of
from ablation_runner.study import Configuration, Training

if TYPE_CHECKING:
    from vlm_fusion import Question, VisionLanguageModel


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The cost of one trial of an arm, as far as shapes tell it.

    Attributes:
        parameters: that train, without the encoder's.
        macs: multiply-accumulates of one question, forward.
        visual_tokens: per image, as the language model sees them.
        activations: bytes that a global batch's forward pass keeps in float32; None where the last stage reads pixels or
            learns objectives of pairs, whose passes need values.
    """

    parameters: int
    macs: int
    visual_tokens: int
    activations: int | None


def count(configuration: Configuration, *, recompute: bool = False) -> Counted:
    """Builds the arm's model of shapes alone and counts what it costs.

    Args:
        configuration: the arm's.
        recompute: layers are computed again in the backward pass.

    Raises:
        StudyError: the configuration and words of its language model are not on this machine.
    """
    import torch

    from ablation_runner.trial.engine.recomputing import recompute_activations
    from ablation_runner.trial.inputs.data import make_tokenizer
    from ablation_runner.trial.model.assemble import assemble_model
    from ablation_runner.trial.model.cost import answering_cost
    from vlm_fusion import encode_question
    from vlm_tasks import format_prompt

    data, here = configuration.data, _without_weights(configuration)
    tokenizer = make_tokenizer(task_of(data), here)
    first = items_of(data, "test").row(0, named=True)
    question = encode_question(tokenizer, format_prompt(data.prompt, first["question"]), first["answers"][0])
    with torch.device("meta"):
        model = assemble_model(here, tokenizer, seed=0)
        text = len(question.prompt) + len(question.answer)
        cost = answering_cost(model, image_tokens=configuration.tokens.budget, text_tokens=text)
        if recompute:
            recompute_activations(model.train())
        activations = _activations(configuration, model, question)
    return Counted(
        parameters=cost.trainable,
        macs=cost.macs,
        visual_tokens=cost.visual_tokens,
        activations=activations,
    )


def _activations(
    configuration: Configuration, model: "VisionLanguageModel", question: "Question"
) -> int | None:
    """What a batch of the last stage keeps; a row's questions are as long as one text."""
    import torch

    from ablation_runner.outlook.fused_attention import FusedAttention
    from token_budget import grid_positions, visual_tokens

    training = configuration.training or Training(steps=1)
    if training.trains_encoder or training.pair_objectives:
        return None
    batch, budget = training.images_per_step, configuration.tokens.budget
    images = visual_tokens(
        torch.empty(batch, budget, configuration.encoder.spec().width),
        positions=grid_positions(1, budget).expand(batch, -1, -1),
    )
    text = (len(question.prompt) + len(question.answer)) * training.questions_per_image
    with saved_activations() as kept, FusedAttention():
        model(images, torch.zeros(batch, text, dtype=torch.long))
    return kept()


def _without_weights(configuration: Configuration) -> Configuration:
    """The same with a frozen encoder, and with the shapes alone of a language model that lies on this machine.

    Raises:
        StudyError: it does not.
    """
    from vlm_fusion import PretrainedOptions, language_model_options

    raw: dict[str, Any] = configuration.model_dump()
    for training in (raw["training"], *(stage["training"] for stage in raw["before"])):
        training["encoder"] = {"name": "frozen"}
    _, language = configuration.model.parts
    options = language_model_options(language.name, **language.options())
    if isinstance(options, PretrainedOptions):
        folder = _folder(options)
        raw["model"]["language_model"] |= {
            "repository": str(folder), "revision": None, "pretrained": False,
        }  # fmt: skip
    return Configuration.model_validate(raw)


def _folder(options: Any) -> Path:
    """Where a pretrained language model's configuration and words lie on this machine; nothing is downloaded."""
    from transformers.utils import cached_file

    found = [
        cached_file(
            options.repository,
            name,
            revision=options.revision or "main",
            local_files_only=True,
            _raise_exceptions_for_gated_repo=False,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        for name in ("config.json", "tokenizer_config.json")
    ]
    if None in found:
        raise StudyError(
            f"{options.repository} is not on this machine: `hf download {options.repository}` brings it"
        )
    return Path(str(found[0])).parent
