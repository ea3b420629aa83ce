"""The parameters that a stage trains, and the V of its steps."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from vlmcore.config import StageName, VLMConfig
from vlmcore.models.lora import tuned
from vlmcore.models.vlm import VLM
from vlmcore.training.data import STAGES


def train_parts(vlm: VLM, stage: StageName) -> None:
    """Opens the parameters that a stage trains and freezes all others.

    Raises:
        ValueError: they are in half precision, or weights of four bits are in front of
            them and there is no GPU.
    """
    vlm.requires_grad_(False)
    packed = any(not x.is_floating_point() for x in vlm.language.parameters())
    if packed and not torch.cuda.is_available():
        raise ValueError(
            "on a CPU bitsandbytes repacks weights of four bits for inference, and "
            "then no gradient passes through them; train on a GPU, or without four_bit"
        )
    trained: list[nn.Parameter] = []
    if vlm.compressor is not None:
        trained += vlm.compressor.parameters()
    if stage == "tune":
        trained += tuned(vlm.language)
    check_precision(trained)
    for parameter in trained:
        parameter.requires_grad_(True)


def check_precision(trained: Iterable[Tensor]) -> None:
    """Raises ValueError when parameters to be trained are in half precision.

    bfloat16 has eight significant bits: next to a weight, most updates are less than
    half a unit of the last one, and the weight does not move at all.
    """
    for dtype in {parameter.dtype for parameter in trained}:
        if dtype.itemsize < 4:
            raise ValueError(
                f"weights of {dtype} cannot be trained, since rounding loses most "
                "updates; load them with dtype=torch.float32 (precision='bf16-mixed' "
                "computes in half precision), or train LoRA matrices"
            )


def tokens_of_step(
    model: VLMConfig, stage: StageName, seed: int, turn: int
) -> tuple[int | None, ...]:
    """The V over which a step's loss is averaged; None is the model's own."""
    if model.compressor is None:
        return (None,)
    rng = np.random.default_rng((seed, STAGES.index(stage), turn, 1))
    return model.compressor.training_tokens(model.vision.side, stage, rng)
