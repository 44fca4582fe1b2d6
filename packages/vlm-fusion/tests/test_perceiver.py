"""The Perceiver Resampler against Idefics2's, where the definitions coincide."""

from typing import Any

import pytest
import torch
from fusion_helpers import image_tokens
from transformers.models.idefics2.configuration_idefics2 import Idefics2PerceiverConfig
from transformers.models.idefics2.modeling_idefics2 import Idefics2PerceiverResampler

from vlm_fusion import create_connector, idefics2_state, load_idefics2_state

KIND = {"norm": "rms", "activation": "swiglu"}


def ours(**options: Any) -> Any:
    torch.manual_seed(0)
    sizes = {"queries": 4, "depth": 3, "heads": 2, "feed_forward_multiple": 4.0}
    made = create_connector(
        "perceiver-resampler", vision_width=12, language_width=16, **{**sizes, **KIND, **options}
    )
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return made


def theirs() -> Idefics2PerceiverResampler:
    config = Idefics2PerceiverConfig(
        hidden_size=16,
        resampler_n_latents=4,
        resampler_depth=3,
        resampler_n_heads=2,
        resampler_head_dim=8,
        num_key_value_heads=2,
        hidden_act="silu",
    )
    torch.manual_seed(1)
    made = Idefics2PerceiverResampler(config).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return made


@pytest.mark.parametrize("direction", ["to them", "from them"])
def test_latents_equal_those_of_idefics2(direction: str) -> None:
    one, other, tokens = ours(), theirs(), image_tokens(3, 6, ragged=True)
    if direction == "to them":
        other.load_state_dict(idefics2_state(one))
    else:
        load_idefics2_state(one, other.state_dict())
    expected = other(context=one.project(tokens.features), attention_mask=tokens.mask.long())
    torch.testing.assert_close(one(tokens).features, expected, atol=1e-5, rtol=1e-5)


def test_what_stands_around_the_resampler_stays() -> None:
    one = ours(width=16)
    before = {name: tensor.clone() for name, tensor in one.state_dict().items()}
    load_idefics2_state(one, theirs().state_dict())
    kept = {name for name, tensor in one.state_dict().items() if torch.equal(tensor, before[name])}
    assert kept == {"project.weight", "output.weight", "output.bias"}


def test_states_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="norm='layer' and activation='swiglu'"):
        idefics2_state(ours(norm="layer"))
    with pytest.raises(ValueError, match=r"'latents' of the Idefics2 state has shape \(4, 16\)"):
        load_idefics2_state(ours(queries=5), theirs().state_dict())
    with pytest.raises(
        ValueError, match=r"the Idefics2 state has no 'layers\.3\.input_latents_norm\.weight'"
    ):
        load_idefics2_state(ours(depth=4), theirs().state_dict())
