"""From a study to arms and trials: resolved, compared with the baseline, and named by what determines them."""

from ablation_runner.plan._arm import Difference, PlannedArm, changed
from ablation_runner.plan._cells import greedy_stages
from ablation_runner.plan._checkpoints import Weights, folder_digest
from ablation_runner.plan._command_trials import command_line, listed_sources
from ablation_runner.plan._own_parts import own_sources
from ablation_runner.plan._resolve import BLIND, resolve_arms, tested_name
from ablation_runner.plan._rounds import Round, Score, pick_level, plan_round
from ablation_runner.plan._seeds_needed import SeedsNeeded, most_seeds
from ablation_runner.plan._show import show_value
from ablation_runner.plan._stages import training_stages, weights_header
from ablation_runner.plan._trial import CommandTrial, TrainedTrial, Trial
from ablation_runner.plan._trials import plan_trials, read_plan, starts_own_ranks, write_plan

__all__ = [
    "BLIND",
    "CommandTrial",
    "Difference",
    "PlannedArm",
    "Round",
    "Score",
    "SeedsNeeded",
    "TrainedTrial",
    "Trial",
    "Weights",
    "changed",
    "command_line",
    "folder_digest",
    "greedy_stages",
    "listed_sources",
    "most_seeds",
    "own_sources",
    "pick_level",
    "plan_round",
    "plan_trials",
    "read_plan",
    "resolve_arms",
    "show_value",
    "starts_own_ranks",
    "tested_name",
    "training_stages",
    "weights_header",
    "write_plan",
]
