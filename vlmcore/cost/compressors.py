"""What compressors cost, by the same rules as `vlmcore.cost`, which hands these functions on.

Axes: d vision width, e language width, p patches, v visual tokens, l layers of the
encoder handed on.
"""

from vlmcore.config import (
    CompressorConfig,
    M3Config,
    MQTConfig,
    PruMergeConfig,
    QueCCConfig,
    TokenPackerConfig,
    VisionConfig,
)


def compressor_parameters(
    compressor: CompressorConfig,
    vision: VisionConfig,
    language_width: int,
    visual_tokens: int,
) -> int:
    """Parameters of a compressor without its projection to the width of the language model; fixed positions are none."""
    d, levels = vision.width, len(vision.layers)
    norm, attention = 2 * d, 4 * linear_parameters(d, d)
    regions = 2 * (mlp_parameters(levels * d, d, d) + norm) + attention
    match compressor:
        case MQTConfig():
            return compressor.queries * d + 3 * norm + attention
        case TokenPackerConfig():
            return d * d + norm + regions
        case QueCCConfig():
            question = (
                linear_parameters(language_width, d) + norm
            ) * compressor.inject_question
            query = (
                mlp_parameters(d, d, d) if compressor.nonlinear_query else d * d
            ) + norm
            convolution = (
                vision.patches // visual_tokens * d + d
            ) * compressor.learned_downsampling
            return question + query + convolution + regions
        case _:  # the others average, keep or merge, and learn only their projection
            return 0


def projection_parameters(
    compressor: CompressorConfig, vision: VisionConfig, language_width: int
) -> int:
    """Parameters of a compressor's projection to the width of the language model: LLaVA's MLP, or MQT's single matrix."""
    if isinstance(compressor, MQTConfig):
        return vision.width * language_width
    return mlp_parameters(vision.width, language_width, language_width)


def compressor_flops(
    compressor: CompressorConfig,
    vision: VisionConfig,
    language_width: int,
    visual_tokens: int,
) -> int:
    """Operations of a compressor for one image and one question, its projection to the language model included.

    The CLS attention and keys that PruMerge reads are counted with the encoder, which
    computes them in its last layer.
    """
    d, e, p, v, levels = (
        vision.width,
        language_width,
        vision.patches,
        visual_tokens,
        len(vision.layers),
    )
    projection = 2 * v * (d * e + e * e)
    # two-layer keys and values of every patch, heads' projections of keys, values,
    # queries and outputs, scores and weighted sums
    regions = (
        2 * 2 * p * (levels * d * d + d * d) + 2 * 2 * (p + v) * d * d + 2 * 2 * p * d
    )
    match compressor:
        case M3Config():  # every patch is projected, whatever V
            return 2 * p * (d * e + e * e)
        case MQTConfig():
            return 2 * 2 * (p + v) * d * d + 2 * 2 * v * p * d + 2 * v * d * e
        case TokenPackerConfig():
            return 2 * v * d * d + regions + projection
        case QueCCConfig():
            question = 2 * e * d * compressor.inject_question
            mapped = p if compressor.learned_downsampling else v
            query = 2 * mapped * d * d * (2 if compressor.nonlinear_query else 1)
            convolution = 2 * p * d * compressor.learned_downsampling
            return question + query + convolution + regions + projection
        # likeness of the kept patches to all, then one row of weights a token
        case PruMergeConfig():
            return 2 * (v - 1) * p * d + 2 * v * p * d + projection
        case _:
            return projection


def linear_parameters(inputs: int, outputs: int) -> int:
    """A matrix and its bias."""
    return inputs * outputs + outputs


def mlp_parameters(inputs: int, hidden: int, outputs: int) -> int:
    """Two linear layers."""
    return linear_parameters(inputs, hidden) + linear_parameters(hidden, outputs)
