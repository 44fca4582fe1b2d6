from ._adaptation import adapt_language_model as adapt_language_model
from ._blip2 import blip2_state as blip2_state
from ._blip2 import load_blip2_state as load_blip2_state
from ._captions import write_captions as write_captions
from ._config import VisionLanguageConfig as VisionLanguageConfig
from ._contrast import Contrast as Contrast
from ._contrast import contrast as contrast
from ._contrast import hard_negatives as hard_negatives
from ._contrast import recall_at as recall_at
from ._cost import Cost as Cost
from ._cost import count_cost as count_cost
from ._cost import count_macs as count_macs
from ._cost import count_parameters as count_parameters
from ._create import create_connector as create_connector
from ._held_out import held_out_scores as held_out_scores
from ._idefics2 import idefics2_state as idefics2_state
from ._idefics2 import load_idefics2_state as load_idefics2_state
from ._image_text import ImageTextModel as ImageTextModel
from ._image_text import ObjectiveOutput as ObjectiveOutput
from ._language import create_language_model as create_language_model
from ._language_options import LANGUAGE_MODELS as LANGUAGE_MODELS
from ._language_options import AdaptationOptions as AdaptationOptions
from ._language_options import PretrainedOptions as PretrainedOptions
from ._language_options import language_model_options as language_model_options
from ._language_options import list_language_models as list_language_models
from ._mask_predict import MaskPredicted as MaskPredicted
from ._mask_predict import mask_predict as mask_predict
from ._masking import MaskedWords as MaskedWords
from ._masking import mask_words as mask_words
from ._matching_width import Width as Width
from ._matching_width import connector_cost as connector_cost
from ._matching_width import solve_width as solve_width
from ._model import ModelOutput as ModelOutput
from ._model import VisionLanguageModel as VisionLanguageModel
from ._objective_options import OBJECTIVES as OBJECTIVES
from ._objective_options import ObjectiveOptions as ObjectiveOptions
from ._objective_options import list_objectives as list_objectives
from ._objective_options import parse_weights as parse_weights
from ._options import CONNECTORS as CONNECTORS
from ._options import FUSION_STAGES as FUSION_STAGES
from ._options import connector_options as connector_options
from ._options import list_connectors as list_connectors
from ._patches import patch_tokens as patch_tokens
from ._q_former import QFormerTrunk as QFormerTrunk
from ._q_former_block import QFormerStates as QFormerStates
from ._q_former_block import image_text_mask as image_text_mask
from ._rank_answers import RankedAnswers as RankedAnswers
from ._rank_answers import rank_answers as rank_answers
from ._rows import Question as Question
from ._rows import TextRows as TextRows
from ._rows import encode_question as encode_question
from ._rows import pack_questions as pack_questions
from ._tokenizer import build_tokenizer as build_tokenizer

__all__ = [
    "CONNECTORS",
    "FUSION_STAGES",
    "LANGUAGE_MODELS",
    "OBJECTIVES",
    "AdaptationOptions",
    "Contrast",
    "Cost",
    "ImageTextModel",
    "MaskPredicted",
    "MaskedWords",
    "ModelOutput",
    "ObjectiveOptions",
    "ObjectiveOutput",
    "PretrainedOptions",
    "QFormerStates",
    "QFormerTrunk",
    "Question",
    "RankedAnswers",
    "TextRows",
    "VisionLanguageConfig",
    "VisionLanguageModel",
    "Width",
    "adapt_language_model",
    "blip2_state",
    "build_tokenizer",
    "connector_cost",
    "connector_options",
    "contrast",
    "count_cost",
    "count_macs",
    "count_parameters",
    "create_connector",
    "create_language_model",
    "encode_question",
    "hard_negatives",
    "held_out_scores",
    "idefics2_state",
    "image_text_mask",
    "language_model_options",
    "list_connectors",
    "list_language_models",
    "list_objectives",
    "load_blip2_state",
    "load_idefics2_state",
    "mask_predict",
    "mask_words",
    "pack_questions",
    "parse_weights",
    "patch_tokens",
    "rank_answers",
    "recall_at",
    "solve_width",
    "write_captions",
]
