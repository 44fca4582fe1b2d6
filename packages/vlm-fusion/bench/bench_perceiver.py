"""Times the Perceiver Resampler against Idefics2's in `transformers`: forward, same sizes and weights, interleaved.

The bound is 1.05 of its time at batch 32, 257 image tokens, 64 latents and 3 blocks on the CPU (float32).
"""

import argparse
import sys

import torch
from bench_q_former import BOUND, best_times
from transformers.models.idefics2.configuration_idefics2 import Idefics2PerceiverConfig
from transformers.models.idefics2.modeling_idefics2 import Idefics2PerceiverResampler

from token_budget import visual_tokens
from vlm_fusion import create_connector, idefics2_state


def twins(width: int, depth: int, latents: int) -> tuple[torch.nn.Module, Idefics2PerceiverResampler]:
    """Our resampler and theirs with the same weights; the image comes in at their width."""
    heads = width // 96
    ours = create_connector(
        "perceiver-resampler",
        vision_width=width,
        language_width=width,
        queries=latents,
        depth=depth,
        heads=heads,
        feed_forward_multiple=4.0,
        norm="rms",
        activation="swiglu",
    )
    ours.project = torch.nn.Identity()
    config = Idefics2PerceiverConfig(
        hidden_size=width,
        resampler_n_latents=latents,
        resampler_depth=depth,
        resampler_n_heads=heads,
        resampler_head_dim=96,
        num_key_value_heads=heads,
        hidden_act="silu",
    )
    theirs = Idefics2PerceiverResampler(config).eval()
    theirs.load_state_dict(idefics2_state(ours))
    return ours, theirs


def main() -> int:
    """Prints both times and their ratio; 1 where the ratio is above the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=257)
    parser.add_argument("--latents", type=int, default=64)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--rounds", type=int, default=7)
    sizes = parser.parse_args()
    ours, theirs = twins(sizes.width, sizes.depth, sizes.latents)
    image = torch.randn(sizes.batch, sizes.tokens, sizes.width)
    tokens, mask = visual_tokens(image), torch.ones(sizes.batch, sizes.tokens, dtype=torch.long)
    with torch.inference_mode():
        expected = theirs(context=image, attention_mask=mask)
        torch.testing.assert_close(ours(tokens).features, expected, atol=1e-4, rtol=1e-4)
        calls = [lambda: ours(tokens), lambda: theirs(context=image, attention_mask=mask)]
        own, other = best_times(calls, sizes.rounds)
    print(
        f"perceiver-resampler: ours {own * 1e3:.1f} ms, transformers {other * 1e3:.1f} ms, "
        f"ratio {own / other:.3f} (bound {BOUND})"
    )
    return int(own / other > BOUND)


if __name__ == "__main__":
    sys.exit(main())
