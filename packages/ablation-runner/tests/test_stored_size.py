"""What a plan says is stored, against the files that a trial stores."""

from pathlib import Path

import pytest

from ablation_runner.outlook.stored_size import stored_bytes
from ablation_runner.study import Configuration, Engine
from ablation_runner.trial.inputs.material import load_material


@pytest.mark.parametrize(
    ("encoder", "precision"), [("frozen", "float32"), ("frozen", "bfloat16"), ("full", "bfloat16")]
)
def test_as_much_is_stored_as_the_plan_says(encoder: str, precision: str, tmp_path: Path) -> None:
    configuration = Configuration.model_validate(
        {
            "data": {"task": "easy-vqa", "limit": 100},
            "encoder": {"name": "efficientnet-lite0", "image_size": 64, "feature_layer": -2},
            "model": {"connector": "mlp", "language_model": "llama-tiny"},
            "training": {"steps": 1, "encoder": {"name": encoder}},
        }
    )
    load_material(configuration, 0, tmp_path, lambda event, **fields: None, precision=precision)
    stored = sum(file.stat().st_size for file in tmp_path.rglob("*.safetensors"))
    assert stored_bytes(configuration, Engine(precision=precision)) == pytest.approx(stored, rel=0.06)
