from ._accounting import Cost as Cost
from ._accounting import ModelShape as ModelShape
from ._accounting import cost as cost
from ._accounting import layer_tokens as layer_tokens
from ._accounting import prefill_macs as prefill_macs
from ._adapters import ReducedInputs as ReducedInputs
from ._adapters import reduce_inputs as reduce_inputs
from ._attention_pruning import keep_attended as keep_attended
from ._baselines import keep_prefix as keep_prefix
from ._baselines import keep_random as keep_random
from ._baselines import keep_uniform as keep_uniform
from ._bipartite import Matching as Matching
from ._bipartite import match as match
from ._budget_sampler import BudgetSampler as BudgetSampler
from ._contextual import prune_and_merge as prune_and_merge
from ._contextual import zip_tokens as zip_tokens
from ._decoder_options import VTW as VTW
from ._decoder_options import FastV as FastV
from ._decoder_options import PyramidDrop as PyramidDrop
from ._decoder_options import Stage as Stage
from ._decoder_options import decoder_options as decoder_options
from ._decoder_options import list_decoder_methods as list_decoder_methods
from ._diversity import keep_conditional_diverse as keep_conditional_diverse
from ._diversity import keep_diverse as keep_diverse
from ._image_tokens import image_tokens as image_tokens
from ._latency import measure_latency as measure_latency
from ._merge import Cells as Cells
from ._merge import GridWeights as GridWeights
from ._merge import merge as merge
from ._neighbours import stack_neighbours as stack_neighbours
from ._options import list_reducers as list_reducers
from ._options import reducer_needs as reducer_needs
from ._options import reducer_options as reducer_options
from ._pooling import average_pool as average_pool
from ._pooling import bilinear_resize as bilinear_resize
from ._pooling import max_pool as max_pool
from ._prune_decoder import prune_decoder as prune_decoder
from ._pruned_decoder import PrunedDecoder as PrunedDecoder
from ._reduce import reduce_tokens as reduce_tokens
from ._relevance import keep_relevant as keep_relevant
from ._relevance import keep_relevant_diverse as keep_relevant_diverse
from ._relevance import keep_top as keep_top
from ._saturation import BudgetPoint as BudgetPoint
from ._saturation import BudgetRow as BudgetRow
from ._saturation import Saturation as Saturation
from ._saturation import budget_curve as budget_curve
from ._saturation import saturation as saturation
from ._schedules import Choice as Choice
from ._schedules import Curriculum as Curriculum
from ._schedules import Fixed as Fixed
from ._schedules import Matryoshka as Matryoshka
from ._schedules import QueryPrefix as QueryPrefix
from ._schedules import Schedule as Schedule
from ._schedules import create_schedule as create_schedule
from ._schedules import list_schedules as list_schedules
from ._select import select as select
from ._tome import merge_similar as merge_similar
from ._trained import create_trained_reducer as create_trained_reducer
from ._trained_options import list_trained_reducers as list_trained_reducers
from ._trained_options import trained_options as trained_options
from ._visual_tokens import VisualTokens as VisualTokens
from ._visual_tokens import grid_positions as grid_positions
from ._visual_tokens import visual_tokens as visual_tokens
from ._vit_merging import MergeInViT as MergeInViT
from ._vit_merging import merge_in_vit as merge_in_vit
from ._vit_merging import merges_per_block as merges_per_block

__all__ = [
    "VTW",
    "BudgetPoint",
    "BudgetRow",
    "BudgetSampler",
    "Cells",
    "Choice",
    "Cost",
    "Curriculum",
    "FastV",
    "Fixed",
    "GridWeights",
    "Matching",
    "Matryoshka",
    "MergeInViT",
    "ModelShape",
    "PrunedDecoder",
    "PyramidDrop",
    "QueryPrefix",
    "ReducedInputs",
    "Saturation",
    "Schedule",
    "Stage",
    "VisualTokens",
    "average_pool",
    "bilinear_resize",
    "budget_curve",
    "cost",
    "create_schedule",
    "create_trained_reducer",
    "decoder_options",
    "grid_positions",
    "image_tokens",
    "keep_attended",
    "keep_conditional_diverse",
    "keep_diverse",
    "keep_prefix",
    "keep_random",
    "keep_relevant",
    "keep_relevant_diverse",
    "keep_top",
    "keep_uniform",
    "layer_tokens",
    "list_decoder_methods",
    "list_reducers",
    "list_schedules",
    "list_trained_reducers",
    "match",
    "max_pool",
    "measure_latency",
    "merge",
    "merge_in_vit",
    "merge_similar",
    "merges_per_block",
    "prefill_macs",
    "prune_and_merge",
    "prune_decoder",
    "reduce_inputs",
    "reduce_tokens",
    "reducer_options",
    "saturation",
    "select",
    "stack_neighbours",
    "trained_options",
    "visual_tokens",
    "zip_tokens",
]
