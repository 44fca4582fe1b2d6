"""Every setting of DeepSpeed trains to the losses of the plain run, and what it cannot do is refused before."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from ranks_pool import Ranks, case, started

from ablation_runner import StudyError
from ablation_runner.failure import TrialFailedError
from ablation_runner.machine import check_machine
from ablation_runner.study import Engine, Training
from ablation_runner.trial._seeding import seeded_draws
from ablation_runner.trial.engine.optimizer import learning_rate_factor, parameter_groups
from ablation_runner.trial.training.tripwires import check_update


@pytest.mark.parametrize(
    ("engine", "tolerance"),
    [
        ({"zero_stage": 2, "offload": "optimizer"}, 1e-5),
        ({"zero_stage": 3, "offload": "parameters"}, 1e-5),
        ({"zero_stage": 0, "precision": "bfloat16"}, 1e-2),
        ({"zero_stage": 2, "precision": "bfloat16", "activation_checkpointing": True}, 1e-2),
    ],
)
def test_the_losses_are_those_of_the_plain_run(
    ranks: Ranks, plain: Any, engine: dict[str, Any], tolerance: float
) -> None:
    (found,) = ranks.train(case(steps=4, **engine))
    np.testing.assert_allclose(found.losses, plain.losses, rtol=tolerance)


@pytest.fixture(scope="module")
def plain(ranks: Ranks) -> Any:
    (found,) = ranks.train(case(steps=4))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "tolerance"),
    [
        ({"zero_stage": 1, "offload": "optimizer"}, 1e-5),
        ({"zero_stage": 3, "offload": "optimizer"}, 1e-5),
        ({"zero_stage": 1, "precision": "bfloat16"}, 1e-2),
        ({"zero_stage": 3, "precision": "bfloat16", "offload": "parameters"}, 1e-2),
        ({"zero_stage": 0, "precision": "float16"}, 2e-2),
        ({"zero_stage": 2, "precision": "float16"}, 2e-2),
    ],
)
def test_two_ranks_have_the_losses_of_the_plain_run(
    ranks: Ranks, plain: Any, engine: dict[str, Any], tolerance: float
) -> None:
    (found,) = ranks.train(case(steps=4, ranks=2, **engine))
    np.testing.assert_allclose(found.losses, plain.losses, rtol=tolerance)


@pytest.mark.slow
def test_the_loss_scale_of_float16_is_resumed(ranks: Ranks) -> None:
    through, resumed = ranks.train(
        case(ranks=2, steps=4, zero_stage=2, precision="float16"),
        case(spans=[(2, 2), (2, 4)], zero_stage=2, precision="float16"),
    )
    assert resumed.losses.tolist() == through.losses.tolist()
    assert resumed.digest == through.digest


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("g++") is None, reason="torch.compile needs a C++ compiler; there is no g++ here"
)
def test_a_compiled_model_has_the_losses_of_the_plain_run(plain: Any, tmp_path: Path) -> None:
    with started(tmp_path, compiler=True) as ranks:
        (found,) = ranks.train(case(steps=4, ranks=2, zero_stage=2, compile=True))
    np.testing.assert_allclose(found.losses, plain.losses, rtol=1e-5)
    assert list(tmp_path.glob("compiled/**/*.cpp"))


@pytest.mark.parametrize("connector", ["mlp", "gated-cross-attention"])
def test_layers_that_are_computed_again_give_the_same_bits(ranks: Ranks, connector: str) -> None:
    kept, again = ranks.train(
        case(connector, steps=3), case(connector, steps=3, activation_checkpointing=True)
    )
    assert again.losses.tolist() == kept.losses.tolist()
    assert again.digest == kept.digest


def test_layers_that_are_computed_again_keep_less() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    from ablation_runner.outlook.memory import saved_activations
    from ablation_runner.trial.engine.recomputing import recompute_activations

    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 2}
    with seeded_draws(0, "model"):
        model = LlamaForCausalLM(LlamaConfig(vocab_size=16, **shape)).train()
    words = torch.arange(32).reshape(2, 16) % 16

    def kept() -> int:
        with saved_activations() as most:
            model(words, labels=words).loss.backward()
            return most()

    before = kept()
    recompute_activations(model)
    assert kept() < before / 2


def test_parts_have_rates_and_schedules_of_their_own(ranks: Ranks) -> None:
    own = {"learning_rates": {"connector": 1e-3}, "learning_rate_schedules": {"language_model": "constant"}}
    found, resumed = ranks.train(case(steps=3, training=own), case(spans=[(1, 2), (1, 3)], training=own))
    first, _, third = np.array(found.rates)  # two groups of the connector, two of the language model
    np.testing.assert_allclose(first, [1e-3, 1e-3, 3e-3, 3e-3])
    assert third[0] < 1e-3
    np.testing.assert_allclose(third[2:], 3e-3)
    assert resumed.rates == found.rates
    assert resumed.digest == found.digest


def test_parts_without_a_rate_of_their_own_share_a_group() -> None:
    model = torch.nn.ModuleDict({name: torch.nn.Linear(2, 2) for name in ("encoder", "connector")})
    training = Training(steps=4, encoder={"name": "full"}, learning_rate=1e-3)
    assert [len(group["params"]) for group in parameter_groups(model, training)] == [2, 2]
    slower = Training(steps=4, encoder={"name": "full"}, learning_rate=1e-3, learning_rates={"encoder": 1e-5})
    rates = [group["lr"] for group in parameter_groups(model, slower)]
    assert rates == [1e-3, 1e-3, 1e-5, 1e-5]


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
@pytest.mark.parametrize("warmup", [0, 3])
def test_schedules_are_those_of_transformers(schedule: str, warmup: int) -> None:
    from transformers import get_scheduler

    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))], lr=0.5)
    theirs = get_scheduler(
        {"constant": "constant_with_warmup"}.get(schedule, schedule),
        optimizer,
        num_warmup_steps=warmup,
        num_training_steps=11,
    )
    for step in range(11):
        factor = learning_rate_factor(step, schedule=schedule, warmup=warmup, steps=11)
        assert theirs.get_last_lr() == pytest.approx([0.5 * factor], rel=1e-12)
        optimizer.step()
        theirs.step()


def test_a_dropout_draws_the_same_after_a_kill() -> None:
    with seeded_draws(3, "training", 7, 0):
        first = torch.rand(4)
    torch.rand(9)
    with seeded_draws(3, "training", 7, 0):
        assert torch.equal(torch.rand(4), first)
    with seeded_draws(3, "training", 7, 1):
        assert not torch.equal(torch.rand(4), first)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"offload": "optimizer"}, 'offload = "optimizer" needs zero_stage = 1 or more, got 0'),
        ({"offload": "parameters", "zero_stage": 2}, 'offload = "parameters" needs zero_stage = 3, got 2'),
        ({"compile": True, "zero_stage": 3}, "compile = true needs zero_stage = 2 or less"),
        ({"precision": "float8"}, "'float32', 'bfloat16' or 'float16'"),
        ({"monitors": ["comet"]}, "'csv', 'tensorboard' or 'wandb'"),
    ],
)
def test_what_deepspeed_cannot_do_is_refused_with_the_study(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Engine.model_validate(settings)


@pytest.mark.parametrize("field", ["learning_rates", "learning_rate_schedules"])
def test_a_rate_of_a_part_that_is_not_trained_is_refused(field: str) -> None:
    value = {"learning_rates": 1e-3, "learning_rate_schedules": "linear"}[field]
    with pytest.raises(
        ValidationError, match=f"{field} names encoder, which is not trained: allocator, connector"
    ):
        Training(steps=1, **{field: {"encoder": value}})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"monitors": ["csv", "wandb"]},
            r'engine.monitors = \["wandb"\] needs the package wandb: pip install',
        ),
        ({"compile": True}, "engine.compile = true needs a C"),
        ({"precision": "float16"}, 'engine.precision = "float16": DeepSpeed does not train it on this CPU'),
    ],
)
def test_what_this_machine_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], said: str
) -> None:
    monkeypatch.setattr("ablation_runner.machine.gpus", list)
    monkeypatch.setattr("ablation_runner.machine.find_spec", lambda name: None)
    monkeypatch.setattr("ablation_runner.machine._cpu_has_float16", lambda: False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StudyError, match=said):
        check_machine(Engine.model_validate(settings))


def test_an_overflow_of_float16_leaves_a_step_out_and_many_in_a_row_fail() -> None:
    half = Engine(precision="float16")
    check_update(float("inf"), half, overflows=1, step=1)
    with pytest.raises(TrialFailedError, match="the gradient's norm is inf at step 60"):
        check_update(float("inf"), half, overflows=41, step=60)
    with pytest.raises(TrialFailedError, match="inf"):
        check_update(float("inf"), Engine(precision="bfloat16"), overflows=1, step=1)
