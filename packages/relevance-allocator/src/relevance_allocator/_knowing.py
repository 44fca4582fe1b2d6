"""The ways of knowing together: relevance, and the tensions that it and the question call for."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from relevance_allocator._calibrate import calibrate
from relevance_allocator._check_options import NEUTRAL
from relevance_allocator._constant import shows_nothing
from relevance_allocator._groups import texture_channels
from relevance_allocator._opponent import OpponentProcessing, Tensions
from relevance_allocator._options import AllocatorOptions
from relevance_allocator._patches import select_groups
from relevance_allocator._scene import Scene, check_same_images, one_grid
from relevance_allocator._way_options import looks_at_content
from relevance_allocator._ways import Way, create_way


class Known(NamedTuple):
    """What is known of a scene before anything is chosen.

    Attributes:
        relevance: the ways of knowing together, 0..1.
        maps: relevance by way of knowing, 0..1.
        weights: what each way counts for, together 1, in the order of `maps`.
        tensions: the state of opponent processing.
    """

    relevance: Float[Tensor, "batch tokens"]
    maps: dict[str, Tensor]
    weights: Float[Tensor, " ways"]
    tensions: Tensions


class Knowing(nn.Module):
    """Every way of knowing calibrated and averaged, and opponent processing over them.

    A module of its own, so that whoever shards or watches modules (DeepSpeed's ZeRO-3) sees every use of its
    parameters; all of them take part in every call.

    Args:
        options: what it consists of.
        dim: width of the visual tokens.
        query_dim: width of the question's token embeddings; None where nothing looks at the question.

    Raises:
        ValueError: a way of knowing needs `query_dim`, or names nothing.
    """

    def __init__(self, options: AllocatorOptions, *, dim: int, query_dim: int | None) -> None:
        """Builds the ways of knowing and opponent processing."""
        super().__init__()
        self.options = options
        channels = len(texture_channels(options.texture))
        self.plain: dict[str, Way] = {}
        self.trained = nn.ModuleDict()
        for name in options.ways:
            way = create_way(
                name, options.way_options.get(name), dim=dim, query_dim=query_dim, texture_channels=channels
            )
            if isinstance(way, nn.Module):
                self.trained[name.replace(".", "/")] = way  # a module's name may hold no dot
            else:
                self.plain[name] = way
        self.logits = nn.Parameter(torch.zeros(len(options.ways))) if options.weighting == "learned" else None
        fixed = {
            name: NEUTRAL[name] if value == "off" else float(value)
            for name in NEUTRAL
            if (value := getattr(options, name)) != "learned"
        }
        self.opponents = OpponentProcessing(len(options.ways), query_dim, fixed=fixed)

    def forward(self, scene: Scene) -> Known:
        """Relevance of every token, by all ways together and each, and the tensions.

        An image whose texture is constant is equally relevant everywhere to every way that looks at content.

        Args:
            scene: what the ways of knowing look at; the texture may hold more groups than the options name.

        Raises:
            ValueError: the scene lacks what a way needs, or a score is not finite.
        """
        check_same_images(scene)
        # Features of a constant image may differ by their places alone: no way of knowing may prefer one there.
        constant = shows_nothing(scene)[:, None] & scene.tokens.mask
        if scene.texture is not None:
            scene = scene._replace(texture=select_groups(scene.texture, self.options.texture))
        mask, maps = scene.tokens.mask, {}
        for name in self.options.ways:
            way = self.plain[name] if name in self.plain else self.trained[name.replace(".", "/")]
            # In float32 whatever the weights are: bfloat16 would make ties of near scores.
            relevance = calibrate(way(scene).float(), mask, method=self.options.calibration)
            maps[name] = torch.where(constant, 0.5, relevance) if looks_at_content(name) else relevance
        stacked = torch.stack(list(maps.values()), 1)
        weights = self._weights(stacked.device)
        together = calibrate(torch.einsum("w,bwn->bn", weights, stacked), mask)
        grid = one_grid(scene.tokens) if self.opponents.learned else (1, mask.shape[1])
        return Known(together, maps, weights, self.opponents(stacked, grid, scene.query))

    def _weights(self, device: torch.device) -> Float[Tensor, " ways"]:
        if self.logits is not None:
            return self.logits.float().softmax(0)
        count, weighting = len(self.options.ways), self.options.weighting
        given = [1 / count] * count if isinstance(weighting, str) else weighting
        return torch.tensor(given, device=device, dtype=torch.float32)
