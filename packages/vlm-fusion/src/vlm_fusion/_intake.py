"""From images to the visual tokens that a connector reads: encoded, reduced, normalised."""

from collections.abc import Callable

from torch import Tensor, nn

from token_budget import VisualTokens

Encoder = Callable[[Tensor], VisualTokens]
Reducer = Callable[[VisualTokens], VisualTokens]


class TakesImages:
    """What every model here does first, whatever it is trained on.

    Attributes:
        encoder: turns pixels into visual tokens; None where tokens are given (stored features, raw patches).
        reducer: makes fewer of them; None keeps all. It may be replaced between calls.
        vision_width: units that the model reads.
        feature_norm: `none`, or `layer`: each token is brought to mean 0 and variance 1 (without parameters).
    """

    encoder: Encoder | None
    reducer: Reducer | None
    vision_width: int
    feature_norm: str

    def visual_tokens(self, images: VisualTokens | Tensor) -> VisualTokens:
        """The visual tokens that the model reads: encoded, reduced and normalised, as far as the model does so.

        Args:
            images: visual tokens, or pixels where the model has an encoder.

        Raises:
            ValueError: pixels without an encoder, or tokens of another width.
        """
        if isinstance(images, VisualTokens):
            tokens = images
        elif self.encoder is None:
            raise ValueError("pixels need a model with an encoder; this one reads visual tokens")
        else:
            tokens = self.encoder(images)
        if self.reducer is not None:
            tokens = self.reducer(tokens)
        width = tokens.features.shape[-1]
        if width != self.vision_width:
            raise ValueError(f"the model reads tokens of width {self.vision_width}, got {width}")
        if self.feature_norm == "layer":
            tokens = tokens._replace(features=nn.functional.layer_norm(tokens.features, (width,)))
        return tokens
