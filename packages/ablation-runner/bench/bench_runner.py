"""Shows what the runner costs and saves: overhead per step, work that is shared, and how alike paired arms are.

Bounds: a trial makes at least 0.97 times the steps per second of a bare DeepSpeed loop and 0.90 times those of a bare
PyTorch loop; the study fusion-method is at least 10 times as fast as with its encoder in every step. About ten minutes on two
quiet cores; `--quick` takes two and judges nothing.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from one_trial import one_trial, planned
from overhead import BOUNDS, measure_overhead
from pairing import run_pairs
from shared_work import BOUND, arm_steps, separate_processes

from ablation_runner.pools._command import MEMORY

SECTIONS = ("overhead", "shared", "pairing")


def main() -> int:
    """Prints all figures; 1 where a bound is missed at the full size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps, blocks and seeds; judges nothing")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="leaves the other sections out")
    parser.add_argument("--runs", type=Path, help="a runs folder with stored features of fusion-method")
    asked = parser.parse_args()
    if not MEMORY.items() <= os.environ.items():  # as a worker's process has it, for the peers too
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **MEMORY})
    sections = asked.only or SECTIONS
    missed = False
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        runs = asked.runs or folder / "runs"
        if "overhead" in sections:
            missed |= show_overhead(runs, quick=asked.quick)
        if "shared" in sections:
            missed |= show_shared(runs, folder, quick=asked.quick)
        if "pairing" in sections:
            show_pairing(folder, quick=asked.quick)
    return int(missed and not asked.quick)


def show_overhead(runs: Path, *, quick: bool) -> bool:
    """Prints a trial's speed beside bare loops; true where it is below a bound."""
    steps, blocks = (30, 2) if quick else (110, 7)  # with the checkpoint that every 100 steps have
    study = planned(runs, [f"training.steps={steps + 2}", "training.validations=1"])
    missed = False
    print(f"Overhead: steps per second of a trial, medians of {blocks} interleaved blocks of {steps} steps")
    for found in measure_overhead(one_trial(study, study.trials[0]), steps=steps, blocks=blocks):
        bound = BOUNDS[found.peer]
        blockwise = " ".join(f"{ratio:.2f}" for ratio in found.blocks)
        print(
            f"  to a bare loop of {found.peer}: {found.ratio:.3f} ({bound or 'no bound'}); "
            f"in CPU time {found.cpu_ratio:.3f}; blocks {blockwise}"
        )
        missed |= bound is not None and found.ratio < bound
    return missed


def show_shared(runs: Path, folder: Path, *, quick: bool) -> bool:
    """Prints what shared work saves; true where it is below the bound."""
    steps = 3 if quick else 20
    study = planned(runs)
    arms = arm_steps(study, steps=steps)
    whole = study.study.baseline.training.steps * len(study.study.seeds)
    print(f"Shared work: {steps} steps of each arm measured, extrapolated to {whole:,} steps of each")
    for arm in arms:
        print(
            f"  {arm.arm}: {1000 * arm.ours:.0f} ms a step; encoder on every question's image "
            f"{1000 * arm.per_question:.0f} ms, on every row's image {1000 * arm.per_image:.0f} ms"
        )
    ours, question, image = (
        whole * sum(seconds)
        for seconds in zip(*((arm.ours, arm.per_question, arm.per_image) for arm in arms), strict=True)
    )
    print(
        f"  training of the study: {ours / 60:.1f} min; a row per question, its image encoded in every step "
        f"(extrapolated): {question / 60:.0f} min, {question / ours:.1f} × ({BOUND:g}); our rows, their images encoded "
        f"in every step (extrapolated): {image / 60:.0f} min, {image / ours:.1f} ×"
    )
    short = [
        "training.steps=20",
        "training.validations=1",
        f"data.limit={200 if quick else 2000}",
        "seeds=[0]",
    ]
    found = separate_processes(folder, overrides=short)
    print(
        f"  {found.trials} trials of 20 steps, measured: one worker {found.shared:.0f} s, a process each that shares "
        f"nothing {found.separate:.0f} s, {found.separate / found.shared:.1f} ×"
    )
    return question / ours < BOUND


def show_pairing(folder: Path, *, quick: bool) -> None:
    """Prints how alike two arms of a seed are, and of different seeds."""
    found = run_pairs(folder, seeds=6 if quick else 30)
    print(f"Pairing: accuracies of two arms over {found.common.pairs} seeds, 95 % intervals")
    for what, each, spread in (
        ("with common random numbers", found.common, found.sd_common),
        ("without (one arm's next seed)", found.independent, found.sd_independent),
    ):
        print(
            f"  {what}: r = {each.r:.2f} [{each.low:.2f}, {each.high:.2f}]; "
            f"the difference has a standard deviation of {100 * spread:.2f} points"
        )


if __name__ == "__main__":
    sys.exit(main())
