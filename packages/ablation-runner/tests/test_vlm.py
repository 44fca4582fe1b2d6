"""A model of transformers is asked through its own processor, and what it cannot serve is refused by name."""

import json
import os
import shutil
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_vlm import IMAGE_TOKENS, save_vlm
from transformers import AutoModelForImageTextToText, AutoProcessor

from ablation_runner import prepare
from ablation_runner.errors import StudyError
from ablation_runner.failure import TrialFailedError
from ablation_runner.outlook.describe_plan import describe_plan
from ablation_runner.plan import TrainedTrial, _checkpoints, plan_trials, resolve_arms
from ablation_runner.storage.records import file_digest
from ablation_runner.study import Checkpoint, Configuration, parse_study
from ablation_runner.trial import _calibrate
from ablation_runner.trial.testing.vlm import Vlm, load_vlm, vlm_cost, vlm_rows, write_answers
from vlm_tasks import create_task, format_prompt

STUDY = """
title = "Does the middle tell enough?"
question = "Whole images or their middle?"
seeds = [0]
stages = []

[baseline]
data = {{ task = "easy-vqa", limit = 12 }}
model = {{ checkpoint = {{ transformers = "{folder}", max_new_tokens = 4 }} }}

[factors.crop]
path = "model.checkpoint.processor"
levels = {{ middle = {{ size = {{ shortest_edge = 48 }} }} }}

[[claims]]
text = "The middle is enough."
arm = "middle"
kind = "worse"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_vlm(tmp_path_factory.mktemp("vlm") / "llava")


@pytest.fixture(scope="module")
def vlm(folder: Path) -> Vlm:
    checkpoint = settings(folder).model.checkpoint
    assert checkpoint is not None
    return load_vlm(checkpoint, dtype=torch.float32)


@pytest.fixture(scope="module")
def alone() -> Iterator[None]:
    """A world of one rank."""
    store = torch.distributed.HashStore()
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def settings(folder: Path, **tables: Any) -> Configuration:
    checkpoint = {"transformers": str(folder), "max_new_tokens": 4} | tables.pop("checkpoint", {})
    return Configuration.model_validate({"model": {"checkpoint": checkpoint}, **tables})


def trials_of(folder: Path, old: str = "", new: str = "") -> dict[str, TrainedTrial]:
    text = STUDY.format(folder=folder)
    assert old in text
    study = parse_study(tomllib.loads(text.replace(old, new)), source="vlm.toml")
    return {trial.arm: trial for trial in plan_trials(study, resolve_arms(study), processes=1, data="data")}


def test_answers_are_the_likeliest_words_one_after_the_other(folder: Path, vlm: Vlm) -> None:
    task = create_task("easy-vqa")
    rows = task.items("test").head(20).unique("image_id", maintain_order=True).head(3)
    prompts = [format_prompt("short-answer", question) for question in rows["question"]]
    images = [task.image(image) for image in rows["image_id"]]
    model, processor = (
        AutoModelForImageTextToText.from_pretrained(folder),
        AutoProcessor.from_pretrained(folder),
    )
    for prompt, image, written in zip(
        prompts, images, write_answers(vlm, settings(folder), prompts, images), strict=True
    ):
        inputs = processor(text=f"<image>{prompt}", images=image, return_tensors="pt")
        ids, ended = inputs.input_ids, False
        for _ in range(4):
            attended = torch.ones_like(ids)
            logits = model(input_ids=ids, attention_mask=attended, pixel_values=inputs.pixel_values).logits
            ended = ended or int(ids[0, -1]) == model.config.text_config.eos_token_id
            last = torch.tensor([[processor.tokenizer.pad_token_id]]) if ended else logits[:, -1:].argmax(-1)
            ids = torch.cat([ids, last], dim=1)
        assert written.tolist() == ids[0, -4:].tolist()


def test_the_cost_is_of_all_weights_and_of_one_question_with_its_image(folder: Path, vlm: Vlm) -> None:
    cost = vlm_cost(vlm, settings(folder))
    model = AutoModelForImageTextToText.from_pretrained(folder)
    assert cost.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert cost.visual_tokens == IMAGE_TOKENS
    decoder = model.model.language_model.layers
    assert cost.macs > IMAGE_TOKENS * sum(p.numel() for p in decoder.parameters() if p.ndim == 2)


@pytest.mark.usefixtures("alone")
def test_every_condition_is_asked_the_same_questions(folder: Path, vlm: Vlm) -> None:
    trials = trials_of(folder)
    rows = {
        arm: vlm_rows(vlm, trial, trial.configuration, name="as-trained") for arm, trial in trials.items()
    }
    assert set(rows) == {"baseline", "middle", "blind"}
    own = rows["baseline"]
    assert own["item"].to_list() == create_task("easy-vqa").items("test").head(12)["item_id"].to_list()
    assert own.drop("arm").equals(
        vlm_rows(vlm, trials["baseline"], settings(folder, data={"limit": 12}), name="as-trained").drop("arm")
    )
    for other in ("middle", "blind"):
        assert rows[other]["item"].equals(own["item"])
        assert not rows[other]["prediction"].equals(own["prediction"])


def test_a_processor_without_a_chat_template_needs_one_of_the_study(
    tmp_path: Path, vlm: Vlm, folder: Path
) -> None:
    image = [create_task("easy-vqa").image(create_task("easy-vqa").image_ids("test")[0])]
    plain = vlm._replace(processor=AutoProcessor.from_pretrained(save_vlm(tmp_path / "plain", chat=None)))
    with pytest.raises(TrialFailedError, match=r"say in model\.checkpoint\.template how it is asked"):
        write_answers(plain, settings(folder), ["is it red?"], image)
    asked = settings(folder, checkpoint={"template": "<image>{question}"})
    assert write_answers(plain, asked, ["is it red?"], image).tolist() == (
        write_answers(vlm, settings(folder), ["is it red?"], image).tolist()
    )


def test_any_changed_byte_of_the_folder_makes_another_trial(folder: Path, tmp_path: Path) -> None:
    other = save_vlm(tmp_path / "llava", seed=0)
    same = {arm: trial.name for arm, trial in trials_of(folder).items()}
    assert same == {arm: trial.name for arm, trial in trials_of(other).items()}
    config = json.loads((other / "config.json").read_text(encoding="utf-8"))
    (other / "config.json").write_text(json.dumps(config | {"more": 1}), encoding="utf-8")
    assert not set(same.values()) & {trial.name for trial in trials_of(other).values()}


def test_a_plan_reads_every_file_of_a_model_once_and_again_when_it_was_changed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, read = shutil.copytree(folder, tmp_path / "llava"), Counter[Path]()

    def counted(path: Path) -> str:
        read[path] += 1
        return file_digest(path)

    monkeypatch.setattr(_checkpoints, "file_digest", counted)
    before = trials_of(copy)
    assert [trial.name for trial in trials_of(copy).values()] == [trial.name for trial in before.values()]
    assert read == dict.fromkeys(copy.iterdir(), 1)
    changed = copy / "model.safetensors"
    said, content = changed.stat(), changed.read_bytes()
    changed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(changed, ns=(said.st_atime_ns, said.st_mtime_ns))  # as a copy that keeps times has it
    assert not {trial.name for trial in before.values()} & {trial.name for trial in trials_of(copy).values()}
    assert read == dict.fromkeys(copy.iterdir(), 1) | {changed: 2}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[factors.crop]", '[factors.budget]\npath = "tokens.budget"\nlevels = [4]\n[factors.crop]', "tokens.budget is set"),
        ("limit = 12", 'limit = 12, answers = "ranked"', 'set data.answers = "written"'),
        ("[factors.crop]", '[conditions.more]\n"tokens.budget" = 4\n[factors.crop]', "tokens.budget is set"),
        ("model = {", 'model = { connector = "mlp",', "connector is given"),
        ("seeds = [0]", "seeds = [0, 1]", "one checkpoint is one seed"),
        ("stages = []", "", "set stages = []"),
        ("max_new_tokens = 4", 'revision = "main"', "a full commit"),
        ("max_new_tokens = 4", f'revision = "{"a" * 40}"', "belongs to a name on the hub"),
        ("max_new_tokens = 4", 'template = "<image>"', "template has to hold {question}"),
        ("transformers = ", 'transformers = "no/such/folder", weights = ', "one of run, weights and transformers"),
        ('transformers = "', 'transformers = "no', "comes with its revision"),
    ],
)  # fmt: skip
def test_what_a_model_of_transformers_cannot_serve_is_refused_by_name(
    folder: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(StudyError) as refused:
        trials_of(folder, old, new)
    assert message in str(refused.value)


def test_a_plan_loads_every_model_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = save_vlm(tmp_path / "other", seed=1)
    loaded: list[str | None] = []

    def counted(checkpoint: Checkpoint, *, dtype: torch.dtype) -> Vlm:
        loaded.append(checkpoint.transformers)
        return load_vlm(checkpoint, dtype=dtype)

    monkeypatch.setattr(_calibrate, "load_vlm", counted)
    both = f'[factors.weights]\npath = "model.checkpoint.transformers"\nlevels = {{ other = "{other}" }}\n\n'
    study = STUDY.format(folder=folder).replace("[factors.crop]", f"{both}[factors.crop]")
    (tmp_path / "study.toml").write_text(study, encoding="utf-8")
    prepared = prepare(str(tmp_path / "study.toml"), runs=tmp_path)
    used = [
        trial.weights.path for trial in prepared.trials if isinstance(trial, TrainedTrial) and trial.weights
    ]
    assert used[:3] == [
        str(folder),
        str(other),
        str(folder),
    ]  # one after the other, each would be loaded again
    arms = describe_plan(prepared)["arms"]
    assert sorted(map(str, loaded)) == sorted({str(folder), str(other)})
    assert [arm["name"] for arm in arms] == [trial.arm for trial in prepared.trials]
    assert all(arm["macs"] > 0 for arm in arms)
