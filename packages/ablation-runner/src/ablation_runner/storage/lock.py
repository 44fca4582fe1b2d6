"""The study's lock: its claims as they were before the first result, and what it was run with."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ablation_runner.storage.files import write_json
from ablation_runner.storage.records import read_record
from ablation_runner.storage.store import TRIALS, RunFolder, TrialFolder, content_hash
from ablation_runner.study import Claim, SeedsAsNeeded, Study

ALPHA = 0.05  # error over all claims of a study, and over all looks at them

_PACKAGES = ("ablation-runner", "vlm-fusion", "vlm-encoders", "torch", "transformers", "deepspeed", "timm")


def lock_study(run: RunFolder, study: Study) -> None:
    """Writes the lock unless there is one; the claims in it are the ones that count as stated beforehand.

    Where there are results already, as after the lock was lost, no claim counts so.
    """
    if read_lock(run):
        return
    has_results = any(run.path.glob(f"{TRIALS}/*/{TrialFolder(Path()).record_file}"))
    write_json(
        run.lock_file,
        {
            "locked": datetime.now(UTC).isoformat(timespec="seconds"),
            "study": content_hash(study.model_dump()),
            "claims": [] if has_results else [claim_hash(claim, study.seeds) for claim in study.claims],
            "environment": describe_environment(),
        },
    )


def read_lock(run: RunFolder) -> dict[str, Any]:
    """The lock; empty where no trial has started, or where it cannot be read."""
    return read_record(run.lock_file) or {}


def claim_hash(claim: Claim, seeds: list[int] | SeedsAsNeeded) -> str:
    """What a claim is recognised by: arm, kind, margin, questions, its words, and the rule that adds seeds as needed.

    A list of seeds may grow after the lock; a rule of looks may not change, since its error holds only as it was fixed.
    """
    everything = {"type"} if claim.type is None else None  # locks are older than types of questions
    said = claim.model_dump(exclude=everything)
    if isinstance(seeds, list):
        return content_hash(said)
    rule = {"looks": seeds.looks, "until": seeds.until, "spending": seeds.spending, "alpha": ALPHA}
    return content_hash(said | {"seeds": rule})


def describe_environment() -> dict[str, str]:
    """Label to value: versions, hardware, operating system, git commit of the working directory."""
    described = {name: _version(name) for name in _PACKAGES}
    described["Python"] = platform.python_version()
    described["system"] = f"{platform.system()} {platform.machine()}"
    described["processor"] = _processor()
    described["cores"] = str(
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    )
    commit = _git_commit()
    if commit:
        described["git commit"] = commit
    return described


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if sys.platform == "linux" and cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def _git_commit() -> str | None:
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None
