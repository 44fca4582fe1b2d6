"""Encoder, reducer, connector and language model put together: from images and words to hidden states."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel

from token_budget import VisualTokens

from ._config import VisionLanguageConfig
from ._decoder import last_states
from ._intake import Encoder, Reducer, TakesImages
from ._layout import Layout, row_layout
from ._parts import fresh_connector, fresh_language_model, keep_weights, require_fitting
from ._row_checks import require_context
from ._seeing import Seen, before_rows, no_image, rows_of_images


class SeeingDecoder(TakesImages, PreTrainedModel):  # type: ignore[misc]  # transformers is not followed by mypy
    """A language model's decoder with what lets it see, whatever the fusion stage.

    The parts are described at `VisionLanguageModel`.

    Raises:
        ValueError: a given part does not fit the configuration.
    """

    config_class = VisionLanguageConfig
    base_model_prefix = ""
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    connector: Any
    language_model: Any
    _supports_sdpa = True

    def __init__(
        self,
        config: VisionLanguageConfig,
        *,
        connector: nn.Module | None = None,
        language_model: PreTrainedModel | None = None,
        encoder: Encoder | None = None,
        reducer: Reducer | None = None,
    ) -> None:
        super().__init__(config)
        self.language_model = fresh_language_model(config) if language_model is None else language_model
        require_fitting(self.language_model, config)
        self.encoder = encoder
        self.reducer = reducer
        self.vision_width = config.vision_width
        self.feature_norm = config.feature_norm
        self.width = self.language_model.get_input_embeddings().embedding_dim
        self.connector = fresh_connector(config, self.width) if connector is None else connector
        self.shape = getattr(self.connector, "shape", "prefix")
        if self.shape == "memory":
            self.connector.attach(self.language_model)
        keep_weights(self)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Draws nothing: connectors and language models initialise themselves."""

    def see(
        self,
        images: VisualTokens | Tensor | None,
        *,
        batch: int,
        image_index: Int[Tensor, "..."] | None = None,
        connector_inputs: Mapping[str, Any] | None = None,
    ) -> Seen:
        """What `batch` rows see; the connector runs once per image.

        Args:
            images: one row of visual tokens per distinct image, or its pixels; None where the batch has no image.
            batch: rows of text.
            image_index: image of each row, or images of each row; -1 for none; None where row i has image i.
            connector_inputs: what else the connector reads, by image.
        """
        if images is None:
            tokens, image_index = self._nothing(), torch.full((batch,), -1)
        else:
            tokens = self.visual_tokens(images)
        index = rows_of_images(len(tokens.mask), image_index, batch)
        made = self.connector(tokens, **(connector_inputs or {}))
        return before_rows(made, index, self.width, late=self.shape == "late")

    def _nothing(self) -> VisualTokens:
        """An image that nobody sees."""
        for name, part in (("encoder", self.encoder), ("reducer", self.reducer)):
            if isinstance(part, nn.Module) and next(part.parameters(), None) is not None:
                raise ValueError(
                    f"a model with weights in its {name} needs images on every rank: give any, with image_index -1"
                )
        weight = next(self.connector.parameters())
        side = getattr(self.connector, "least_grid", 1)
        return no_image(self.vision_width, device=weight.device, dtype=weight.dtype, side=side)

    def layout(self, seen: Seen, segments: Int[Tensor, "batch words"]) -> Layout:
        """Who sees whom at which position; refuses rows that are longer than the language model's context."""
        layout = row_layout(seen.mask, segments, prefix_attention=self.config.prefix_attention)
        require_context(layout.positions, self.config.text_config.max_position_embeddings)
        return layout

    def decode(
        self, seen: Seen, input_ids: Int[Tensor, "batch words"], layout: Layout, *, cache: Any = None
    ) -> Float[Tensor, "batch n width"]:
        """The last hidden states of [visual prefix; words], from which the output layer predicts."""
        hidden = last_states(
            self.language_model,
            seen.features,
            input_ids,
            layout.positions,
            layout.visible,
            cache=cache,
            memory=seen.memory,
        )
        if seen.late is not None:
            hidden = self.connector.fuse(hidden, seen.late.features, seen.late.mask)
        return torch.as_tensor(hidden)
