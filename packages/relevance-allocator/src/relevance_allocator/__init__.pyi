from ._allocation import Allocation as Allocation
from ._allocation import apply_allocation as apply_allocation
from ._allocation import kept_detail as kept_detail
from ._allocator import Allocated as Allocated
from ._allocator import RelevanceAllocator as RelevanceAllocator
from ._balance import fit_weights as fit_weights
from ._blind import class_attention as class_attention
from ._blind import perspectival as perspectival
from ._blind import propositional as propositional
from ._calibrate import calibrate as calibrate
from ._color import srgb_to_lab as srgb_to_lab
from ._create import create_allocator as create_allocator
from ._diversify import diversify as diversify
from ._explain import explain as explain
from ._fit import fit_allocator as fit_allocator
from ._gates import gate_levels as gate_levels
from ._gates import gate_top_k as gate_top_k
from ._groups import texture_channels as texture_channels
from ._knowing import Known as Known
from ._levels import allocate_levels as allocate_levels
from ._log import log_values as log_values
from ._opponent import OpponentProcessing as OpponentProcessing
from ._opponent import Tensions as Tensions
from ._opponent import temperature as temperature
from ._opponent import worth as worth
from ._options import AllocatorOptions as AllocatorOptions
from ._oracle import oracle_allocation as oracle_allocation
from ._overlay import overlay as overlay
from ._overlay import overlays as overlays
from ._participatory import Participatory as Participatory
from ._participatory import joint_similarity as joint_similarity
from ._patches import PatchTexture as PatchTexture
from ._patches import patch_entropy as patch_entropy
from ._patches import patch_texture as patch_texture
from ._patches import pool_texture as pool_texture
from ._patches import select_groups as select_groups
from ._presets import allocator_options as allocator_options
from ._presets import list_allocators as list_allocators
from ._price import TokenPrice as TokenPrice
from ._price import bought as bought
from ._price import fit_price as fit_price
from ._query import Query as Query
from ._query import query_tokens as query_tokens
from ._regime import Stage as Stage
from ._regime import training_stages as training_stages
from ._regions import region_coverage as region_coverage
from ._regions import region_loss as region_loss
from ._relaxed import gumbel_noise as gumbel_noise
from ._relaxed import soft_top_k as soft_top_k
from ._relaxed import straight_through as straight_through
from ._scene import Scene as Scene
from ._show_allocation import show_allocation as show_allocation
from ._spread import spread_order as spread_order
from ._texture import texture_array as texture_array
from ._top_k import allocate_top_k as allocate_top_k
from ._way_options import list_ways as list_ways
from ._way_options import way_options as way_options
from ._ways import Way as Way
from ._ways import create_way as create_way

__all__ = [
    "Allocated",
    "Allocation",
    "AllocatorOptions",
    "Known",
    "OpponentProcessing",
    "Participatory",
    "PatchTexture",
    "Query",
    "RelevanceAllocator",
    "Scene",
    "Stage",
    "Tensions",
    "TokenPrice",
    "Way",
    "allocate_levels",
    "allocate_top_k",
    "allocator_options",
    "apply_allocation",
    "bought",
    "calibrate",
    "class_attention",
    "create_allocator",
    "create_way",
    "diversify",
    "explain",
    "fit_allocator",
    "fit_price",
    "fit_weights",
    "gate_levels",
    "gate_top_k",
    "gumbel_noise",
    "joint_similarity",
    "kept_detail",
    "list_allocators",
    "list_ways",
    "log_values",
    "oracle_allocation",
    "overlay",
    "overlays",
    "patch_entropy",
    "patch_texture",
    "perspectival",
    "pool_texture",
    "propositional",
    "query_tokens",
    "region_coverage",
    "region_loss",
    "select_groups",
    "show_allocation",
    "soft_top_k",
    "spread_order",
    "srgb_to_lab",
    "straight_through",
    "temperature",
    "texture_array",
    "texture_channels",
    "training_stages",
    "way_options",
    "worth",
]
