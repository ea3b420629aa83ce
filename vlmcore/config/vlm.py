"""The config of a whole vision-language model."""

import typing
from dataclasses import dataclass
from typing import Any, Literal

from vlmcore.config.base import Axes, CompressorConfig
from vlmcore.config.compressors import QueCCConfig
from vlmcore.config.language import LanguageConfig
from vlmcore.config.validation import check_choice, check_kind, whole
from vlmcore.config.vision import VisionConfig

Order = Literal["image_first", "question_first"]


@dataclass(frozen=True)
class VLMConfig:
    """A vision encoder, a compressor to V visual tokens, and a language model."""

    language: LanguageConfig = LanguageConfig()
    """The first dial: the language model, of size N."""
    visual_tokens: int = 1
    """The second dial: V. Zero is a blind model, and then there is no compressor."""
    compressor: CompressorConfig | None = QueCCConfig()
    vision: VisionConfig = VisionConfig()
    order: Order = "image_first"
    """Whether the visual prefix comes before the question, as in LLaVA, or after it."""

    def __post_init__(self) -> None:
        parts: dict[str, Any] = {
            "language": LanguageConfig,
            "vision": VisionConfig,
            "compressor": CompressorConfig | None,
        }
        for part, kind in parts.items():
            hint = "give a config, not a name or a part of one"
            check_kind(part, getattr(self, part), kind, hint)
        visual_tokens = whole("visual_tokens", self.visual_tokens, 0)
        object.__setattr__(self, "visual_tokens", visual_tokens)
        check_choice("order", self.order, typing.get_args(Order))
        compressor, width = self.compressor, self.vision.width
        if (self.visual_tokens == 0) != (compressor is None):
            name = compressor and compressor.name
            raise ValueError(
                f"visual_tokens is {self.visual_tokens} and the compressor is {name}; "
                "a blind model has 0 and None, any other neither"
            )
        if compressor is None:
            return
        compressor.check_visual_tokens(self.vision.side, self.visual_tokens)
        if width % compressor.heads:
            raise ValueError(
                f"a vision width of {width} cannot be shared by {compressor.heads} "
                "heads of the compressor"
            )

    @property
    def axes(self) -> Axes:
        """The numbers on which the compressor's cost depends."""
        vision = self.vision
        return Axes(
            vision.width,
            self.language.width,
            vision.patches,
            self.visual_tokens,
            len(vision.layers),
        )
