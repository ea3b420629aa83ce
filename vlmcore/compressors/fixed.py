"""The V of a compressor whose weights were made for one number of visual tokens."""


def check_fixed(visual_tokens: int, asked: int | None) -> None:
    """Raises ValueError when a call asks for another V than the one the compressor was built with."""
    if asked is not None and asked != visual_tokens:
        raise ValueError(f"this compressor has weights for {visual_tokens} visual tokens and cannot give {asked}; build one for {asked}")
