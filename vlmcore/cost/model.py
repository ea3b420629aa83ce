"""What a model costs: parameters by group, floating-point operations by stage, bytes of cache; pure functions of integers.

Two ways of counting are kept apart everywhere. `paper_flops` is the x-axis of arXiv
2411.03312: 2N(Q + V), every parameter of the language model used once for every token.
`exact_flops` counts each matrix product and convolution (a multiply and an add are two
operations; norms, activations and softmax are left out, as in
`torch.utils.flop_counter`), and it also counts what the paper leaves out: attention,
the output head, the vision encoder, the compressor and the pass over the question.
"""

from typing import NamedTuple

from vlmcore.config import LanguageConfig, VisionConfig, VLMConfig
from vlmcore.cost.compressors import (
    compressor_flops,
    compressor_parameters,
    linear_parameters,
    mlp_parameters,
    projection_parameters,
)


class Parameters(NamedTuple):
    """Numbers of parameters. `language` is N: the language model without its embedding table and output head."""

    vision: int
    compressor: int
    projection: int
    embedding: int
    language: int
    head: int

    @property
    def total(self) -> int:
        """All of them; a tied head counts once, as embedding."""
        return sum(self)


class Flops(NamedTuple):
    """Floating-point operations to answer one question about one image."""

    encoder: int
    compressor: int
    question_pass: int
    prefill: int
    decode: int

    @property
    def total(self) -> int:
        """All stages together."""
        return sum(self)


def parameters(config: VLMConfig) -> Parameters:
    """Parameters of a VLM by group; equal to `numel()` of the modules.

    Example:
        >>> parameters(VLMConfig()).language
        148800
    """
    lm = config.language
    compressor = projection = 0
    if config.compressor is not None:
        compressor = compressor_parameters(
            config.compressor, config.vision, lm.width, config.visual_tokens
        )
        projection = projection_parameters(config.compressor, config.vision, lm.width)
    table = lm.vocab_size * lm.width
    head = 0 if lm.tied else table
    return Parameters(
        vision_parameters(config.vision),
        compressor,
        projection,
        table,
        language_parameters(lm),
        head,
    )


def vision_parameters(config: VisionConfig) -> int:
    """Parameters of the vision encoder, as in CLIP: patches without bias, norms before and after the layers."""
    d = config.width
    embeddings = d + 3 * config.patch_size**2 * d + (config.patches + 1) * d
    layer = (
        4 * linear_parameters(d, d) + mlp_parameters(d, config.mlp_width, d) + 2 * 2 * d
    )
    return embeddings + config.depth * layer + 2 * 2 * d


def language_parameters(config: LanguageConfig) -> int:
    """N: the parameters of the language model that are neither embedding table nor output head."""
    e = config.width
    q, kv = _attention_widths(config)
    biases = (q + 2 * kv) * config.qkv_bias
    layer = 2 * e * q + 2 * e * kv + biases + 3 * e * config.mlp_width + 2 * e
    return config.depth * layer + e


def paper_flops(params: float, text_tokens: float, visual_tokens: float) -> float:
    """The paper's cost of one question: 2N(Q + V), with N = `params`, Q = `text_tokens`, V = `visual_tokens`.

    Q is 0 when the text is cached before the image comes.

    Example:
        >>> paper_flops(7e9, 50, 1)
        714000000000.0
    """
    return 2 * params * (text_tokens + visual_tokens)


def exact_flops(
    config: VLMConfig,
    text_tokens: int,
    answer_tokens: int = 1,
    *,
    question_tokens: int | None = None,
    question_cached: bool = False,
    text_cached: bool = False,
) -> Flops:
    """Operations to answer one question about one image.

    Args:
        config: the model.
        text_tokens: Q, all text tokens before the answer.
        answer_tokens: tokens generated; the first one comes out of the prefill.
        question_tokens: tokens of the question alone, which a question-aware compressor
            reads; `text_tokens` if None.
        question_cached: the question's state is already known to the compressor.
        text_cached: the text's keys and values are already known; only possible when
            the question comes first.
    """
    if text_cached and config.order != "question_first":
        raise ValueError(
            "text after an image cannot be cached by a causal model; use "
            "order='question_first' to cache it"
        )
    lm, new, past = config.language, text_tokens + config.visual_tokens, 0
    if text_cached:
        new, past = config.visual_tokens, text_tokens
    prefill = language_flops(lm, new, past) + head_flops(lm)
    last = text_tokens + config.visual_tokens
    decode = sum(
        language_flops(lm, 1, last + i) + head_flops(lm)
        for i in range(answer_tokens - 1)
    )
    encoder = compressor = question_pass = 0
    if config.compressor is not None:
        encoder = vision_flops(config.vision)
        compressor = compressor_flops(
            config.compressor, config.vision, lm.width, config.visual_tokens
        )
        if config.compressor.sees_question and not question_cached:
            question_pass = language_flops(
                lm, text_tokens if question_tokens is None else question_tokens, 0
            )
    return Flops(encoder, compressor, question_pass, prefill, decode)


def vision_flops(config: VisionConfig) -> int:
    """Operations of the vision encoder for one image."""
    d, tokens = config.width, config.patches + 1
    embeddings = 2 * config.patches * 3 * config.patch_size**2 * d
    layer = 2 * tokens * (4 * d * d + 2 * d * config.mlp_width) + 2 * 2 * tokens**2 * d
    return embeddings + config.depth * layer


def language_flops(config: LanguageConfig, new: int, past: int) -> int:
    """Operations to run `new` tokens through the layers after `past` cached ones, without the output head."""
    e = config.width
    q, kv = _attention_widths(config)
    weights = 2 * e * q + 2 * e * kv + 3 * e * config.mlp_width
    return config.depth * (2 * new * weights + 2 * 2 * new * (new + past) * q)


def head_flops(config: LanguageConfig) -> int:
    """Operations of the output head at one position."""
    return 2 * config.width * config.vocab_size


def kv_cache_bytes(
    config: LanguageConfig, tokens: int, bytes_per_value: int = 2
) -> int:
    """Bytes of keys and values that the language model keeps for `tokens` tokens.

    Example:
        >>> from vlmcore.config import VICUNA_7B
        >>> kv_cache_bytes(VICUNA_7B, 576)  # an image of LLaVA-1.5, in 16-bit numbers: 302 MB
        301989888
    """
    return 2 * config.depth * _attention_widths(config)[1] * tokens * bytes_per_value


def _attention_widths(config: LanguageConfig) -> tuple[int, int]:
    """Widths of all query heads together and of all key heads together."""
    head = config.head_width or config.width // config.heads
    return config.heads * head, (config.kv_heads or config.heads) * head
