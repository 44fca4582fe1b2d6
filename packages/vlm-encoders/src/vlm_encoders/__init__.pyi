from ._architecture import Architecture as Architecture
from ._backbone import Backbone as Backbone
from ._catalogue import describe_encoder as describe_encoder
from ._catalogue import list_encoders as list_encoders
from ._cost import EncoderCost as EncoderCost
from ._cost import encoder_cost as encoder_cost
from ._create import create_encoder as create_encoder
from ._create import wrap_encoder as wrap_encoder
from ._encode import feature_key as feature_key
from ._encode import image_encoder as image_encoder
from ._encode import tensors_to_tokens as tensors_to_tokens
from ._encode import tokens_to_tensors as tokens_to_tensors
from ._encoder import Encoder as Encoder
from ._extract import extract_features as extract_features
from ._images import open_image as open_image
from ._images import to_rgb as to_rgb
from ._locate import locate_tokens as locate_tokens
from ._lora import merge_adapters as merge_adapters
from ._mixture import EncoderMixture as EncoderMixture
from ._mixture import join_tokens as join_tokens
from ._mixture_spec import MixtureSpec as MixtureSpec
from ._mixture_spec import mixture_spec as mixture_spec
from ._preprocess import image_box as image_box
from ._preprocess import preprocess as preprocess
from ._resolve import encoder_spec as encoder_spec
from ._save import save_weights as save_weights
from ._small_vit_options import SmallViTOptions as SmallViTOptions
from ._spec import EncoderSpec as EncoderSpec
from ._state import weights_digest as weights_digest
from ._store import FeatureStore as FeatureStore
from ._tiling import Tiles as Tiles
from ._tiling import choose_grid as choose_grid
from ._tiling import tile_image as tile_image
from ._training import parameter_groups as parameter_groups
from ._training import set_trainable as set_trainable
from ._training_options import Frozen as Frozen
from ._training_options import Full as Full
from ._training_options import LastBlocks as LastBlocks
from ._training_options import Lora as Lora
from ._training_options import NormOnly as NormOnly
from ._training_options import list_training as list_training
from ._training_options import training_options as training_options

__all__ = [
    "Architecture",
    "Backbone",
    "Encoder",
    "EncoderCost",
    "EncoderMixture",
    "EncoderSpec",
    "FeatureStore",
    "Frozen",
    "Full",
    "LastBlocks",
    "Lora",
    "MixtureSpec",
    "NormOnly",
    "SmallViTOptions",
    "Tiles",
    "choose_grid",
    "create_encoder",
    "describe_encoder",
    "encoder_cost",
    "encoder_spec",
    "extract_features",
    "feature_key",
    "image_box",
    "image_encoder",
    "join_tokens",
    "list_encoders",
    "list_training",
    "locate_tokens",
    "merge_adapters",
    "mixture_spec",
    "open_image",
    "parameter_groups",
    "preprocess",
    "save_weights",
    "set_trainable",
    "tensors_to_tokens",
    "tile_image",
    "to_rgb",
    "tokens_to_tensors",
    "training_options",
    "weights_digest",
    "wrap_encoder",
]
