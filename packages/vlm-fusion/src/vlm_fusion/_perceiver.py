"""The Perceiver Resampler: latents that read the image and each other in one attention."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from token_budget import VisualTokens

from ._attention import Attention
from ._attention_options import PerceiverResamplerOptions
from ._feed_forward import feed_forward
from ._positions import position_codes, require_code_width
from ._queries import query_tokens

NORMS: dict[str, type[nn.Module]] = {"layer": nn.LayerNorm, "rms": nn.RMSNorm}


class PerceiverBlock(nn.Module):
    """Latents attend to [image; latents], both normalised, then pass a feed-forward; both are residual."""

    def __init__(self, options: PerceiverResamplerOptions, width: int) -> None:
        super().__init__()
        norm = NORMS[options.norm]
        bias = options.norm == "layer"
        self.latent_norm = norm(width, eps=1e-6)
        self.image_norm = norm(width, eps=1e-6)
        self.attention = Attention(width, heads=options.heads, bias=bias)
        self.feed_forward_norm = norm(width, eps=1e-6)
        self.feed_forward = feed_forward(
            width, options.feed_forward_multiple, activation=options.activation, bias=bias
        )

    def forward(
        self,
        latents: Float[Tensor, "batch queries width"],
        image: Float[Tensor, "batch tokens width"],
        mask: Bool[Tensor, "batch 1 all"],
    ) -> Float[Tensor, "batch queries width"]:
        """The latents after one look."""
        normed = self.latent_norm(latents)
        context = torch.cat([self.image_norm(image), normed], dim=1)
        latents = latents + self.attention(normed, context, mask=mask)
        return torch.as_tensor(latents + self.feed_forward(self.feed_forward_norm(latents)))


class PerceiverResampler(nn.Module):
    """Learned latents that become the visual tokens (Flamingo, arXiv 2204.14198, section 2.1).

    The image is first projected to the latents' width, as in Idefics2; Flamingo works in the encoder's width.
    """

    shape = "prefix"

    def __init__(self, options: PerceiverResamplerOptions, *, vision_width: int, language_width: int) -> None:
        super().__init__()
        self.options = options
        width = options.width or language_width
        require_code_width(width, options.positions)
        self.latents = nn.Parameter(torch.empty(options.queries, width).normal_(std=options.query_std))
        self.project = nn.Linear(vision_width, width, bias=options.norm == "layer")
        self.blocks = nn.ModuleList(PerceiverBlock(options, width) for _ in range(options.depth))
        self.norm = NORMS[options.norm](width, eps=1e-6)
        self.output = nn.Linear(width, language_width) if options.width else nn.Identity()

    def token_count(self, tokens: int) -> int:
        """Visual tokens that `tokens` tokens become: the number of latents."""
        return self.options.queries

    def forward(
        self, tokens: VisualTokens, *, text: Int[Tensor, "batch words"] | None = None
    ) -> VisualTokens:
        """The latents after their looks at each image; `text` is not looked at."""
        image = self.project(tokens.features)
        codes = position_codes(tokens, image.shape[-1], self.options.positions)
        image = image if codes is None else image + codes
        latents = self.latents.expand(len(image), -1, -1)
        mask = nn.functional.pad(tokens.mask, (0, self.options.queries), value=True)[:, None]
        for block in self.blocks:
            latents = block(latents, image, mask)
        return query_tokens(self.output(self.norm(latents)), tokens)
