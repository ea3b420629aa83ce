"""How the paper's models are trained: LLaVA-1.5's two stages, as data.

`BASE` holds a recipe for each compressor and language model of Table 1 of
arXiv 2411.03312, and for the sizes of Qwen2.5. Learning rates, batch sizes and epochs
are those of LLaVA-1.5 (arXiv 2310.03744): stage 1 trains the compressor on captions,
stage 2 the language model too on instructions; cosine, warm-up of 3 %, no weight decay,
a frozen encoder. A user's file changes a recipe where it differs.
"""

import typing
from dataclasses import dataclass
from typing import Literal

from vlmcore.config.as_dict import replace
from vlmcore.config.base import CompressorConfig
from vlmcore.config.compressors import MLPConfig, QueCCConfig, TokenPackerConfig
from vlmcore.config.language import LoRAConfig
from vlmcore.config.presets import CLIP_L_336, QWEN25, VICUNA_7B
from vlmcore.config.validation import check_choice, check_fields, check_kind, real
from vlmcore.config.vlm import VLMConfig

Strategy = Literal["ddp", "fsdp"]
MixedPrecision = Literal["bf16-mixed", "16-mixed", "32-true"]


@dataclass(frozen=True)
class StageRecipe:
    """One stage: its data and how the optimiser goes through them."""

    learning_rate: float
    batch_size: int
    """Conversations of a step, over all devices and micro-batches."""
    conversations: int
    """How many there are, as long as `data` is not given."""
    text_tokens: int
    """Tokens of a conversation: an assumption, as long as `data` is not given."""
    template: str
    """One of `vlmcore.data.chat.TEMPLATES`."""
    epochs: float = 1.0
    warmup: float = 0.03
    compressor_learning_rate: float | None = None
    """Another learning rate for the compressor; None is the same one."""
    mean_per_device: bool = False
    """As in `vlmcore.training.StageConfig`."""
    data: str | None = None
    """File of conversations in LLaVA's format, `.json` or `.jsonl`."""
    images: str | None = None
    """Folder of the images, or of tar files with them."""
    validation: str | None = None
    """Another such file, about images in the same place."""

    def __post_init__(self) -> None:
        check_fields(self)
        real("learning_rate", self.learning_rate, 1e-12)
        real("epochs", self.epochs, 1e-6)


@dataclass(frozen=True)
class Hardware:
    """The devices of a training run, and how it is spread over them."""

    device: str = "A100-80GB"
    """A key of `vlmcore.cost.DEVICES`; "cpu" trains without a GPU."""
    devices: int = 8
    """Of each node."""
    num_nodes: int = 1
    strategy: Strategy = "fsdp"
    """`ddp` has the whole model on each device, `fsdp` a share of it."""
    precision: MixedPrecision = "bf16-mixed"
    """Of the computation; weights and optimiser state are in single precision."""
    micro_batch: int = 4
    """Conversations that a device reads at a time; gradients are accumulated until
    the batch is complete."""
    checkpoint_activations: bool = True
    """Whether each layer is computed again in the backward pass, to save memory."""
    utilisation: float = 0.4
    """Assumed share of the device's peak, for the estimate of hours."""
    workers: int = 4
    """Loader processes of each device."""

    def __post_init__(self) -> None:
        check_choice("strategy", self.strategy, typing.get_args(Strategy))
        check_choice("precision", self.precision, typing.get_args(MixedPrecision))
        for name in ("devices", "num_nodes", "micro_batch"):
            check_kind(name, getattr(self, name), int, "give a whole number")
            real(name, getattr(self, name), 1)
        real("utilisation", self.utilisation, 1e-3, 1)
        real("workers", self.workers, 0)

    @property
    def total(self) -> int:
        """Devices of all nodes."""
        return self.devices * self.num_nodes


@dataclass(frozen=True)
class Recipe:
    """A model, the checkpoints that it starts from, and its two stages."""

    model: VLMConfig
    vision: str
    """Folder or hub name of the encoder."""
    language: str
    """Folder or hub name of the language model."""
    align: StageRecipe
    tune: StageRecipe
    hardware: Hardware = Hardware()
    longest: int = 2048
    """Tokens of text after which a conversation is cut off."""
    seed: int = 0
    lora: LoRAConfig | None = None
    """In stage 2, train these matrices instead of the whole language model."""
    four_bit: bool = False
    """Whether the language model's layers are kept in four bits (arXiv 2305.14314)."""

    def __post_init__(self) -> None:
        for name, kind in (
            ("model", VLMConfig),
            ("align", StageRecipe),
            ("tune", StageRecipe),
            ("hardware", Hardware),
        ):
            check_kind(name, getattr(self, name), kind, "give its fields")
        check_kind("four_bit", self.four_bit, bool, "give true or false")
        sharded = self.hardware.strategy == "fsdp" and self.hardware.total > 1
        if self.four_bit and (self.lora is None or sharded):
            raise ValueError(
                "weights of four bits are neither trained nor sharded; give lora, and "
                'one device or strategy = "ddp"'
            )


_CAPTIONS = StageRecipe(1e-3, 256, 558_000, 50, "plain")
"""LLaVA-1.5's stage 1: captions."""
_INSTRUCTIONS = StageRecipe(2e-5, 128, 665_000, 300, "vicuna_v1")
"""LLaVA-1.5's stage 2: instructions."""
_COMPRESSORS: dict[str, tuple[CompressorConfig, int]] = {
    "quecc": (QueCCConfig(heads=8), 1),
    "tokenpacker": (TokenPackerConfig(heads=8), 1),
    "mlp": (MLPConfig(), 576),
}
_LANGUAGES = {
    "vicuna-7b": (VICUNA_7B, "lmsys/vicuna-7b-v1.5", "vicuna_v1"),
    **{
        f"qwen2.5-{size.lower()}": (sizes, f"Qwen/Qwen2.5-{size}-Instruct", "chatml")
        for size, sizes in QWEN25.items()
    },
}

BASE = {
    f"{method}-{name}": Recipe(
        VLMConfig(sizes, visual_tokens, compressor, CLIP_L_336),
        "openai/clip-vit-large-patch14-336",
        checkpoint,
        _CAPTIONS,
        replace(_INSTRUCTIONS, template=template),
    )
    for method, (compressor, visual_tokens) in _COMPRESSORS.items()
    for name, (sizes, checkpoint, template) in _LANGUAGES.items()
}
"""Recipes by name, such as `quecc-vicuna-7b`: QueCC at one token, as in Table 1."""
