"""The encoder: a backbone and the record of what is taken from it, pixels to `VisualTokens`."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from token_budget import VisualTokens, grid_positions, visual_tokens

from ._attention import class_attention
from ._backbone import Backbone
from ._spec import EncoderSpec


class Encoder(nn.Module):
    """A vision encoder of any library; made by `create_encoder`.

    Attributes:
        backbone: the library's model behind the common interface.
        spec: everything that decides the output.
        trained: modules that a training step runs in train mode; `set_trainable` sets it.
    """

    def __init__(self, backbone: Backbone, spec: EncoderSpec) -> None:
        """Joins a backbone, already cut and resized, with its record."""
        super().__init__()
        self.backbone = backbone
        self.spec = spec
        self.trained: tuple[str, ...] = ("backbone",)

    def forward(self, pixels: Float[Tensor, "batch 3 height width"]) -> VisualTokens:
        """Tokens of the patches in raster order, with positions and grid; the class token stands in `cls`.

        Attention and keys are taken without gradients: they select tokens, they are not trained through.

        Args:
            pixels: normalised as `preprocess` gives them, of exactly `spec.image_size`; cast to the weights' type.

        Raises:
            ValueError: pixels of another size.
        """
        spec = self.spec
        if tuple(pixels.shape[2:]) != spec.image_size:
            raise ValueError(f"pixels must be {spec.image_size}, got {tuple(pixels.shape[2:])}")
        sequences = self.backbone.layers(pixels.to(next(self.parameters(), pixels).dtype), self._wanted())
        sequence = sequences[spec.blocks_run()]
        extras = self._extras(sequences)
        return self._tokens(self.backbone.norm(sequence) if spec.final_norm else sequence, extras)

    def train(self, mode: bool = True) -> "Encoder":
        """Train mode for the parts that are trained; frozen ones stay in eval mode, batch norm and dropout too."""
        super().train(False)
        self.training = mode
        for name in self.trained if mode else ():
            self.get_submodule(name).train(True)
        return self

    def _wanted(self) -> list[int]:
        spec = self.spec
        wanted = {spec.blocks_run(), *(spec.blocks_run(level) for level in spec.levels.values())}
        if "attention" in spec.extras or "keys" in spec.extras:
            wanted.add(spec.blocks_run(spec.attention_layer) - 1)
        if "joint" in spec.extras:
            wanted.add(spec.architecture.depth)
        return sorted(wanted)

    def _extras(self, sequences: dict[int, Tensor]) -> dict[str, Tensor]:
        spec, extras = self.spec, {}
        for name in spec.extras:
            if name in spec.levels:
                extras[name] = self._arranged(sequences[spec.blocks_run(spec.levels[name])])
            elif name == "joint":
                last = self.backbone.norm(sequences[spec.architecture.depth])
                extras[name] = self._arranged(self.backbone.project(last))
            else:
                extras[name] = self._arranged(self._attention_extra(name, sequences))
        return extras

    @torch.no_grad()
    def _attention_extra(self, name: str, sequences: dict[int, Tensor]) -> Tensor:
        block = self.spec.blocks_run(self.spec.attention_layer) - 1
        query, key = self.backbone.queries_keys(sequences[block], block)
        return class_attention(query, key) if name == "attention" else key.transpose(1, 2).flatten(2)

    def _arranged(self, sequence: Tensor) -> Tensor:
        # From class token, registers, patches to patches, then whatever is appended.
        spec, architecture = self.spec, self.spec.architecture
        classes = int(architecture.class_token)
        pieces = [sequence[:, classes + architecture.registers :]]
        if classes and spec.class_token == "append":
            pieces.append(sequence[:, :1])
        if spec.register_tokens == "append":
            pieces.append(sequence[:, classes : classes + architecture.registers])
        return torch.cat(pieces, dim=1) if len(pieces) > 1 else pieces[0]

    def _tokens(self, sequence: Tensor, extras: dict[str, Tensor]) -> VisualTokens:
        spec, batch = self.spec, sequence.shape[0]
        # A native size that is no multiple of the patch leaves its last pixels unseen.
        seen = [cells * spec.patch / side for cells, side in zip(spec.grid, spec.image_size, strict=True)]
        positions = grid_positions(*spec.grid, device=sequence.device)
        positions = positions * positions.new_tensor(seen)
        grids: Tensor | None = torch.tensor([spec.grid], device=sequence.device).expand(batch, 2)
        if spec.appended:
            # Tokens of the whole image stand in its centre, and there is no grid any more.
            positions = torch.cat([positions, positions.new_full((spec.appended, 2), 0.5)])
            grids = None
        apart = spec.architecture.class_token and spec.class_token == "apart"
        return visual_tokens(
            self._arranged(sequence),
            positions=positions.expand(batch, -1, -1),
            grids=grids,
            cls=sequence[:, 0] if apart else None,
            extras=extras,
        )
