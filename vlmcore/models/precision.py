"""The 16-bit type that a processor computes with, and weights of four bits."""

import importlib.util
from typing import Any

import torch
import transformers


def half_precision(cuda: bool, native_bfloat16: bool) -> torch.dtype:
    """Chooses float16 for a GPU that only emulates bfloat16, and bfloat16 otherwise.

    bfloat16 has the range of single precision, so nothing overflows. GPUs before
    compute capability 8, such as a T4, emulate it slowly; a CPU has no fast float16.

    Args:
        cuda: whether the processor is a GPU.
        native_bfloat16: whether that GPU has units for bfloat16.
    """
    return torch.float16 if cuda and not native_bfloat16 else torch.bfloat16


def half_of(device: torch.device | str) -> torch.dtype:
    """The 16-bit type of a device of this machine."""
    cuda = torch.device(device).type == "cuda"
    # without the argument a card that emulates the type says yes, too
    return half_precision(
        cuda, cuda and torch.cuda.is_bf16_supported(including_emulation=False)
    )


def four_bit_weights() -> dict[str, Any]:
    """Options of transformers by which a model is loaded with weights of four bits.

    As in QLoRA (arXiv 2305.14314), the matrices of the layers become NormalFloat
    numbers with a scale for each block, and are computed with in 16 bits on a GPU.
    Embeddings and the output head stay as they are. Such weights are not trained; LoRA
    matrices beside them are.

    Raises:
        ModuleNotFoundError: bitsandbytes or accelerate is not installed.
    """
    needed = ("bitsandbytes", "accelerate")
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        raise ModuleNotFoundError(
            f"weights of four bits need {' and '.join(missing)}; get them with: pip "
            f"install {' '.join(missing)}"
        )
    cuda = torch.cuda.is_available()
    config = transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=half_of("cuda") if cuda else torch.float32,
    )
    return {"quantization_config": config}
