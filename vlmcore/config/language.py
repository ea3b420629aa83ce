"""The sizes of a language model, and of the LoRA matrices that fine-tune it."""

from dataclasses import dataclass

from vlmcore.config.validation import check_fields, check_kind


@dataclass(frozen=True)
class LanguageConfig:
    """A decoder-only transformer like Llama: rotary positions, gated MLP, RMS norms."""

    vocab_size: int = 64
    """Words the tokenizer knows."""
    width: int = 64
    """Width of a token embedding, e; a visual token has the same."""
    depth: int = 3
    """Transformer layers."""
    heads: int = 4
    """Query heads."""
    kv_heads: int | None = None
    """Key and value heads (grouped-query attention); None means as many as `heads`."""
    head_width: int | None = None
    """Width of one head; None means `width // heads`."""
    mlp_width: int = 172
    """Hidden width of the gated MLP."""
    qkv_bias: bool = False
    """Whether query, key and value projections have biases, as in Qwen."""
    tied: bool = True
    """Whether the output head is the embedding table."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.head_width is None and self.width % self.heads:
            raise ValueError(
                f"a width of {self.width} cannot be shared by {self.heads} heads; "
                "choose a divisor or give head_width"
            )
        head = self.head_width or self.width // self.heads
        if head % 2:
            raise ValueError(
                f"heads of width {head} cannot carry rotary positions; choose an even "
                "width"
            )
        if self.heads % (self.kv_heads or self.heads):
            raise ValueError(
                f"{self.heads} query heads cannot share {self.kv_heads} key heads "
                "evenly; choose a divisor"
            )


@dataclass(frozen=True)
class LoRAConfig:
    """Low-rank adaptation (arXiv 2106.09685) of a frozen language model."""

    rank: int = 16
    """Rank of the update of each matrix."""
    alpha: int = 32
    """The update is multiplied by `alpha / rank`."""
    targets: tuple[str, ...] = ("q_proj", "v_proj")
    """Matrices of each layer that are updated, by transformers' names."""

    def __post_init__(self) -> None:
        check_fields(self)
        targets = (self.targets,) if isinstance(self.targets, str) else self.targets
        hint = "name matrices, such as ('q_proj', 'v_proj')"
        check_kind("targets", targets, tuple | list, hint)
        for target in targets:
            check_kind("a target", target, str, hint)
        object.__setattr__(self, "targets", tuple(targets))
