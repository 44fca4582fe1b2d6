"""A study small enough for a test, on the real easy-VQA data."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

# pytest's importlib mode leaves this folder off the path.
for _name in ("ledger_run", "ranks_pool", "tiny_vlm"):
    _spec = spec_from_file_location(_name, Path(__file__).with_name(f"{_name}.py"))
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules[_name] = module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_name])

Ablate = Callable[..., subprocess.CompletedProcess[str]]
OwnStudy = Callable[..., Path]

OWN_TRAINER = Path(__file__).with_name("own_trainer")

TINY_STUDY = """
title = "Does a second layer help?"
question = "One layer or two?"
metric = "exact_match"
seeds = [0, 1]

[baseline]
data = { task = "easy-vqa", limit = 64, validation_images = 4 }
tokens = { budget = 4 }
model = { connector = "concatenation", language_model = { name = "llama-tiny", width = 32, depth = 1 } }
training = { steps = 12, images_per_step = 4, questions_per_image = 4, learning_rate = 3e-3, validations = 3 }

[factors.fusion]
path = "model.connector"
levels = ["concatenation", "mlp"]

[engine]
checkpoint_every = 3

[[claims]]
text = "A second layer helps."
arm = "mlp"
kind = "better"
"""


@pytest.fixture(scope="session")
def tiny_text() -> str:
    """The text of a study of three arms (one is blind), two seeds and twelve steps."""
    return TINY_STUDY


@pytest.fixture
def tiny_study(tmp_path: Path) -> Path:
    """The same as a file."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY_STUDY, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The one pool of ranks that serves all tests of several ranks."""
    with sys.modules["ranks_pool"].started(tmp_path_factory.mktemp("ranks")) as pool:
        yield pool


@pytest.fixture(scope="session")
def ablate() -> Ablate:
    """The command as a user runs it: a folder, then its arguments."""

    def run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ablation_runner", *map(str, arguments)]
        environment = {**os.environ, "COLUMNS": "100"}
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, env=environment, check=False
        )

    return run


@pytest.fixture(scope="session")
def own_text() -> str:
    """The text of a study whose arms a command trains: two encoders, a blind arm, two seeds."""
    text = (OWN_TRAINER / "own.toml").read_text(encoding="utf-8")
    return text.replace("python ", f"{sys.executable} ")


@pytest.fixture
def own_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_text: str) -> OwnStudy:
    """Writes that study and its trainer where the test now runs.

    `text` replaces the study's; `before` are lines of Python put before the trainer writes its results, where `out`,
    `seed`, `encoder`, `blind` and the `lines` of results are known.
    """
    monkeypatch.chdir(tmp_path)

    def write(text: str = own_text, *, before: str = "") -> Path:
        *lines, last = (OWN_TRAINER / "train.py").read_text(encoding="utf-8").splitlines()
        (tmp_path / "train.py").write_text("\n".join([*lines, before, last]), encoding="utf-8")
        (tmp_path / "own.toml").write_text(text, encoding="utf-8")
        return tmp_path / "own.toml"

    return write
