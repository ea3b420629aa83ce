"""The V of a call: fixed for compressors with weights for one V, chosen for others."""

from vlmcore.config import CompressorConfig


def check_fixed(visual_tokens: int, asked: int | None) -> None:
    """Raises ValueError when a call asks for another V than the compressor's own."""
    if asked is not None and asked != visual_tokens:
        raise ValueError(
            f"this compressor has weights for {visual_tokens} visual tokens and "
            f"cannot give {asked}; build one for {asked}"
        )


def choose(
    config: CompressorConfig, side: int, visual_tokens: int, asked: int | None
) -> int:
    """The V of a call: the one asked for, or else that of the model.

    Raises:
        ValueError: the method cannot give it on a grid of `side` x `side` patches.
    """
    if asked is None:
        return visual_tokens
    config.check_visual_tokens(side, asked)
    return asked
