"""The 16-bit type that a processor computes with."""

import torch


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
