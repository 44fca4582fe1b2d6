"""Low-rank adapters put into an encoder by peft."""

from torch import nn

from ._encoder import Encoder
from ._seeding import own_randomness
from ._training_options import Lora

# The first that a model has: queries and values apart, fused, else (EVA adds the biases itself, past any adapter) the
# attention's output; the MLP in open_clip, whose attention is torch's own and reads weights past adapters too.
DEFAULT_TARGETS = (("q_proj", "v_proj"), ("qkv",), ("proj",), ("c_fc", "c_proj"))


def add_adapters(encoder: Encoder, options: Lora) -> set[str]:
    """Puts adapters into the blocks in use, front to back; returns the names of their parameters.

    Raises:
        ValueError: no module of a block in use has such a name, or there are adapters already.
    """
    from peft import LoraConfig, inject_adapter_in_model

    if any("lora_" in name for name, _ in encoder.named_parameters()):
        raise ValueError("the encoder has adapters already; make it anew for others")
    paths = _targets(encoder, options.targets)
    config = LoraConfig(r=options.rank, lora_alpha=options.alpha, target_modules=paths, lora_dropout=0.0)
    with own_randomness(options.seed):
        inject_adapter_in_model(config, encoder.backbone)
    return {name for name, _ in encoder.named_parameters() if "lora_" in name}


def merge_adapters(encoder: Encoder) -> None:
    """Adds the adapters to the weights that they stand beside and takes them out; without adapters nothing changes.

    The output stays the same up to rounding, and every parameter has the name that it had before the adapters.

    >>> from vlm_encoders import create_encoder, set_trainable, training_options
    >>> encoder = create_encoder("small-vit", weights="random:0")
    >>> len(set_trainable(encoder, training_options("lora")))
    12
    >>> merge_adapters(encoder)
    >>> any("lora_" in name for name, _ in encoder.named_parameters())
    False
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    adapted = [
        (name, module) for name, module in encoder.named_modules() if isinstance(module, BaseTunerLayer)
    ]
    for name, module in adapted:
        module.merge()
        encoder.set_submodule(name, module.get_base_layer())


def _targets(encoder: Encoder, wanted: tuple[str, ...]) -> list[str]:
    backbone = encoder.backbone
    blocks = [module for block in backbone.blocks()[: encoder.spec.blocks_used] for module in block]
    inside = {id(module) for block in blocks for module in block.modules()}
    paths = [path for path, module in backbone.named_modules() if id(module) in inside]
    for names in (wanted,) if wanted else DEFAULT_TARGETS:
        found = [path for path in paths if path.split(".")[-1] in names and _takes_adapter(backbone, path)]
        if found:
            return found
    raise ValueError(f"no module of a block in use is named {' or '.join(wanted) or 'as usual'}")


def _takes_adapter(backbone: nn.Module, path: str) -> bool:
    parent = backbone.get_submodule(path.rpartition(".")[0])
    if isinstance(parent, nn.MultiheadAttention) or getattr(parent, "q_bias", None) is not None:
        return path.endswith(".proj")  # the parent reads the other weights without calling the module
    return isinstance(backbone.get_submodule(path), nn.Linear | nn.Conv2d)
