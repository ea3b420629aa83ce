"""Parameters by group, operations by stage and bytes of cache, from integers alone.

Two ways of counting are kept apart everywhere. `paper_flops` is the x-axis of arXiv
2411.03312: 2N(Q + V), every parameter of the language model used once for every token.
`exact_flops` counts each matrix product and convolution (a multiply and an add are two
operations; norms, activations and softmax are left out, as in
`torch.utils.flop_counter`), and it also counts what the paper leaves out: attention,
the output head, the vision encoder, the compressor and the pass over the question.
"""

from typing import NamedTuple

from vlmcore.config import LanguageConfig, VisionConfig, VLMConfig
from vlmcore.config.layers import (
    attention_parameters,
    linear_flops,
    mlp_parameters,
    norm_parameters,
)
from vlmcore.config.validation import check_kind, real, whole


class Parameters(NamedTuple):
    """Numbers of parameters by group.

    `language` is N: the language model without its embedding table and output head.
    """

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
        148672
    """
    check_kind("config", config, VLMConfig, "give a VLMConfig")
    lm, compressor = config.language, config.compressor
    table = lm.vocab_size * lm.width
    return Parameters(
        vision_parameters(config.vision),
        0 if compressor is None else compressor.parameters(config.axes),
        0 if compressor is None else compressor.projection_parameters(config.axes),
        table,
        language_parameters(lm),
        0 if lm.tied else table,
    )


def vision_parameters(config: VisionConfig) -> int:
    """Parameters of the vision encoder, as in CLIP.

    Patches are embedded without bias; norms stand before and after the layers.
    """
    d = config.width
    embeddings = d + 3 * config.patch_size**2 * d + (config.patches + 1) * d
    mlp, norms = mlp_parameters(d, config.mlp_width, d), 2 * norm_parameters(d)
    return embeddings + config.depth * (attention_parameters(d) + mlp + norms) + norms


def language_parameters(config: LanguageConfig) -> int:
    """N: parameters of the language model without embedding table and output head."""
    e = config.width
    q, kv = attention_widths(config)
    biases = (q + 2 * kv) * config.qkv_bias
    return config.depth * (_layer_weights(config) + biases + 2 * e) + e


def paper_flops(params: float, text_tokens: float, visual_tokens: float) -> float:
    """The paper's cost of one question: 2N(Q + V), with N = `params`.

    Q = `text_tokens` is 0 when the text is cached before the image comes. Arrays are
    taken element by element.

    Example:
        >>> paper_flops(7e9, 50, 1)
        714000000000.0
    """
    given = {
        "params": params,
        "text_tokens": text_tokens,
        "visual_tokens": visual_tokens,
    }
    for name, value in given.items():
        if value is None or isinstance(value, str):
            raise ValueError(f"{name} is {value!r}; give a number or an array of them")
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
    check_kind("config", config, VLMConfig, "give a VLMConfig")
    real("text_tokens", text_tokens, 0)
    answer_tokens = whole("answer_tokens", answer_tokens, 0)
    if text_cached and config.order != "question_first":
        raise ValueError(
            "text after an image cannot be cached by a causal model; use "
            "order='question_first' to cache it"
        )
    lm, compressor, v = config.language, config.compressor, config.visual_tokens
    new, past = (v, text_tokens) if text_cached else (text_tokens + v, 0)
    decode = sum(
        language_flops(lm, 1, text_tokens + v + i) + head_flops(lm)
        for i in range(answer_tokens - 1)
    )
    reads = compressor is not None and compressor.sees_question and not question_cached
    asked = text_tokens if question_tokens is None else question_tokens
    return Flops(
        0 if compressor is None else vision_flops(config.vision),
        0 if compressor is None else compressor.flops(config.axes),
        language_flops(lm, asked, 0) if reads else 0,
        language_flops(lm, new, past) + head_flops(lm),
        decode,
    )


def vision_flops(config: VisionConfig) -> int:
    """Operations of the vision encoder for one image."""
    d, tokens = config.width, config.patches + 1
    embeddings = 2 * config.patches * 3 * config.patch_size**2 * d
    projections = linear_flops(tokens, d, 4 * d + 2 * config.mlp_width)
    layer = projections + 2 * linear_flops(tokens, d, tokens)
    return embeddings + config.depth * layer


def language_flops(config: LanguageConfig, new: int, past: int) -> int:
    """Operations of the layers for `new` tokens after `past` cached ones.

    The output head is not among them.
    """
    weights = config.depth * 2 * new * _layer_weights(config)
    return weights + attention_flops(config, new, past)


def attention_flops(config: LanguageConfig, new: int, past: int) -> int:
    """Operations of attention itself, as for `language_flops`; it has no weights."""
    scores = linear_flops(new, attention_widths(config)[0], new + past)
    return config.depth * 2 * scores


def head_flops(config: LanguageConfig) -> int:
    """Operations of the output head at one position."""
    return 2 * config.width * config.vocab_size


def kv_cache_bytes(
    config: LanguageConfig, tokens: int, bytes_per_value: int = 2
) -> int:
    """Bytes of keys and values that the language model keeps for `tokens` tokens.

    Example:
        >>> from vlmcore.config import VICUNA_7B
        >>> kv_cache_bytes(VICUNA_7B, 576)  # an image of LLaVA-1.5: 302 MB
        301989888
    """
    check_kind("config", config, LanguageConfig, "give a LanguageConfig")
    real("tokens", tokens, 0)
    real("bytes_per_value", bytes_per_value, 0)
    return 2 * config.depth * attention_widths(config)[1] * tokens * bytes_per_value


def attention_widths(config: LanguageConfig) -> tuple[int, int]:
    """Widths of all query heads together and of all key heads together."""
    head = config.head_width or config.width // config.heads
    return config.heads * head, (config.kv_heads or config.heads) * head


def _layer_weights(config: LanguageConfig) -> int:
    """Numbers in the matrices of one layer."""
    e, (q, kv) = config.width, attention_widths(config)
    return 2 * e * q + 2 * e * kv + 3 * e * config.mlp_width
