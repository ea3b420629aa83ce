"""The sizes of a vision encoder."""

from dataclasses import dataclass

from vlmcore.config.validation import check_fields, wholes


@dataclass(frozen=True)
class VisionConfig:
    """A vision transformer with a CLS token, in the shape of CLIP's image tower."""

    image_size: int = 72
    """Side of the square input, in pixels."""
    patch_size: int = 6
    """Side of a patch, in pixels."""
    width: int = 64
    """Width of a patch feature, d."""
    depth: int = 4
    """Transformer layers."""
    heads: int = 4
    """Attention heads; divides `width`."""
    mlp_width: int = 256
    """Hidden width of each layer's MLP."""
    layers: tuple[int, ...] = (1, 2, 3)
    """Hidden states that the encoder returns, 0 being the embeddings. The last of them
    are *the* patch features: the second-to-last layer, as in LLaVA."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.image_size % self.patch_size:
            raise ValueError(
                f"an image of {self.image_size} pixels cannot be cut into patches of "
                f"{self.patch_size}; choose a divisor"
            )
        if self.width % self.heads:
            raise ValueError(
                f"a width of {self.width} cannot be shared by {self.heads} heads; "
                "choose a divisor of the width"
            )
        example = "the numbers of hidden states, such as (1, 2, 3)"
        layers = wholes("layers", self.layers, 0, example)
        object.__setattr__(self, "layers", layers)
        if list(layers) != sorted(set(layers)) or layers[-1] > self.depth:
            raise ValueError(
                f"layers {layers} must be increasing hidden-state numbers between 0 "
                f"and the depth, {self.depth}"
            )

    @property
    def side(self) -> int:
        """Patches along one side of the image."""
        return self.image_size // self.patch_size

    @property
    def patches(self) -> int:
        """Patches of one image; visual tokens before compression."""
        return self.side**2
