"""Operations and memory of training a vision-language model, from integers alone.

A weight that is learnt costs three forward passes: the pass itself, the gradient of its
input and its own. A frozen weight in front of a learnt one costs two. Memory is that of
weights, gradients, AdamW's two moments, and of what the backward pass needs again of
the forward pass; the numbers of a layer of the Llama family that autograd keeps were
counted, and a test counts them again.
"""

from typing import NamedTuple

from vlmcore.config import LanguageConfig, LoRAConfig, StageName, VLMConfig
from vlmcore.config.layers import linear_flops
from vlmcore.cost.model import (
    attention_flops,
    attention_widths,
    head_flops,
    language_flops,
    parameters,
    vision_flops,
)


class Device(NamedTuple):
    """A processor, by its data sheet."""

    gigabytes: float
    """Its memory."""
    half: float
    """FLOP/s in 16 bits, on tensor cores, without sparsity."""
    single: float
    """FLOP/s in single precision."""


DEVICES = {
    "RTX 3070": Device(8, 40.6e12, 20.3e12),
    "T4": Device(16, 65e12, 8.1e12),
    "L4": Device(24, 121e12, 30.3e12),
    "A100-40GB": Device(40, 312e12, 19.5e12),
    "A100-80GB": Device(80, 312e12, 19.5e12),
    "H100": Device(80, 989e12, 67e12),
    "H200": Device(141, 989e12, 67e12),
}
"""GPUs by name, from NVIDIA's data sheets. The GeForce is from the white paper of its
architecture, GA102: two operations a cycle of 5888 cores, or of each of the 64 products
of 184 tensor cores, at 1725 MHz. They add up in single precision, as autocast does."""

FOUR_BIT_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Of a weight in four bits: a scale of one byte for each 64 weights, and a number in
single precision for each 256 scales (arXiv 2305.14314)."""


class Texts(NamedTuple):
    """Tokens of a conversation."""

    text: float
    """All of them, without the visual tokens."""
    labels: float
    """Those that are learnt."""
    question: float
    """The first question alone, which a question-aware compressor reads."""


class Spread(NamedTuple):
    """How a step is spread over devices, and how it is computed."""

    micro_batch: int = 1
    """Samples that a device reads at a time."""
    accumulated: int = 1
    """Micro-batches of a step."""
    shards: int = 1
    """Devices that share weights, gradients and moments."""
    replicas: int = 1
    """Devices that have all of them; more than one keep a copy to add up gradients."""
    half: bool = True
    """Whether products are computed in 16 bits."""
    checkpointed: bool = False
    """Whether layers are computed again in the backward pass."""


class TrainingFlops(NamedTuple):
    """Operations of both passes for one sample."""

    encoder: float
    question_pass: float
    """The language model on the question alone, for a question-aware compressor."""
    compressor: float
    """Forward and backward."""
    forward: float
    """Of the language model, output head included."""
    backward: float
    recomputed: float
    """Layers that are computed again in the backward pass."""

    @property
    def total(self) -> float:
        """All of them."""
        return sum(self)


class TrainingMemory(NamedTuple):
    """Bytes on a device at the peak of a step."""

    weights: float
    gradients: float
    """With the copies that are added up over devices."""
    moments: float
    copies: float
    """Weights in 16 bits; or weights gathered from all shards, and their gradients."""
    activations: float
    """Those that the backward pass needs of the forward pass, logits included."""
    accumulates: bool

    @property
    def total(self) -> float:
        """At the peak: without accumulation, activations go as gradients come."""
        passing = self.gradients, self.activations
        both = sum(passing) if self.accumulates else max(passing)
        return self.weights + self.moments + self.copies + both


def lora_parameters(language: LanguageConfig, lora: LoRAConfig) -> int:
    """Parameters of LoRA matrices."""
    e, m, (q, kv) = language.width, language.mlp_width, attention_widths(language)
    ends = {"q_proj": e + q, "k_proj": e + kv, "v_proj": e + kv, "o_proj": q + e}
    ends |= dict.fromkeys(("gate_proj", "up_proj", "down_proj"), e + m)
    return language.depth * lora.rank * sum(ends[name] for name in lora.targets)


def trained_parameters(
    config: VLMConfig, stage: StageName, lora: LoRAConfig | None = None
) -> int:
    """Parameters that a stage trains."""
    size = parameters(config)
    trained = size.compressor + size.projection
    if stage == "tune" and lora is not None:
        return trained + lora_parameters(config.language, lora)
    if stage == "tune":
        trained += size.embedding + size.language + size.head
    return trained


def training_flops(
    config: VLMConfig,
    stage: StageName,
    texts: Texts,
    *,
    lora: LoRAConfig | None = None,
    checkpointed: bool = False,
) -> TrainingFlops:
    """Operations of both passes for one sample, by part.

    Args:
        config: the model.
        stage: `align` or `tune`.
        texts: tokens of the sample.
        lora: matrices that are trained in stage 2 instead of the language model.
        checkpointed: whether layers are computed again in the backward pass.
    """
    lm, compressor = config.language, config.compressor
    learnt = stage == "tune" and lora is None
    tokens = round(texts.text) + config.visual_tokens
    layers, attention = language_flops(lm, tokens, 0), attention_flops(lm, tokens, 0)
    head = round(texts.labels) * head_flops(lm)
    # the gradient of the inputs, and where weights are trained that of the weights;
    # attention has no weights: both of its inputs have gradients in either stage
    backward = (2 if learnt else 1) * (layers - attention + head) + 2 * attention
    # nothing needs the output of a layer's last matrix again
    again = layers - lm.depth * linear_flops(tokens, lm.mlp_width, lm.width)
    asked = language_flops(lm, round(texts.question), 0) if texts.question else 0
    return TrainingFlops(
        0 if compressor is None else vision_flops(config.vision),
        asked if compressor is not None and compressor.sees_question else 0,
        0 if compressor is None else 3 * compressor.flops(config.axes),
        layers + head,
        backward,
        again * checkpointed,
    )


def training_memory(
    config: VLMConfig,
    stage: StageName,
    texts: Texts,
    spread: Spread,
    lora: LoRAConfig | None = None,
    four_bit: bool = False,
) -> TrainingMemory:
    """Memory of each device at the peak of a step; weights are in single precision.

    Args:
        config: the model.
        stage: `align` or `tune`.
        texts: tokens of the longest conversations.
        spread: over devices.
        lora: matrices that are trained in stage 2 instead of the language model.
        four_bit: whether the language model's layers are kept in four bits.
    """
    size, lm = parameters(config), config.language
    trained = trained_parameters(config, stage, lora)
    added = lora_parameters(lm, lora) if lora and stage == "tune" else 0
    shared = size.total - size.vision + added
    learnt = stage == "tune" and lora is None
    sum_up = 2 if spread.replicas > 1 else 1
    layer = size.language / lm.depth
    saved = (4 - FOUR_BIT_BYTES) * size.language if four_bit else 0.0
    copies = 0.0
    if spread.half:  # autocast's, kept for both passes; a tied head has one, too
        copies = 2.0 * (size.head or size.embedding)
        # recomputed layers cast frozen weights anew, and four bits a matrix at a time
        if learnt or not (spread.checkpointed or four_bit):
            copies += 2.0 * size.language
    if spread.shards > 1:  # one layer is computed while the next one is gathered
        gathered = 2 * layer + size.embedding + size.head
        copies = (2.0 if spread.half else 4.0) * gathered + 4.0 * gathered * learnt
    return TrainingMemory(
        4.0 * (size.vision + shared / spread.shards) - saved,
        4.0 * sum_up * trained / spread.shards,
        8.0 * trained / spread.shards,
        copies,
        spread.micro_batch * _activations(config, learnt, texts, spread),
        spread.accumulated > 1,
    )


def layer_bytes(config: LanguageConfig, *, learnt: bool, half: bool) -> int:
    """Bytes that the backward pass keeps of a token in a layer.

    Args:
        config: the language model.
        learnt: whether the layer's weights are trained, or only what is before them.
        half: whether products are in 16 bits; norms stay in single precision.
    """
    e, m, (q, kv) = config.width, config.mlp_width, attention_widths(config)
    product = 2 if half else 4
    heads = 2 * (q + kv)  # query, key, value and output
    mlp = 4 if learnt else 3  # gate before and after its activation, up, their product
    norms = {(True, True): 26, (True, False): 24}.get((learnt, half), 8) * e
    return product * (heads + mlp * m) + norms + 4 * config.heads + 8


def _activations(
    config: VLMConfig, learnt: bool, texts: Texts, spread: Spread
) -> float:
    """Bytes that the backward pass needs of one sample."""
    lm, half = config.language, spread.half
    tokens = texts.text + config.visual_tokens
    layer = layer_bytes(lm, learnt=learnt, half=half)
    kept = (
        (4 * lm.width * lm.depth + layer) if spread.checkpointed else layer * lm.depth
    )
    logits = texts.labels * lm.vocab_size * (10 if half else 8)
    total = tokens * kept + logits
    if config.compressor is not None:
        axes, vision = config.axes, config.vision
        features = 4.0 * vision.patches * len(vision.layers) * vision.width
        # numbers kept for each operation over its width, measured
        total += features + 4 * 2 / 3 * config.compressor.flops(axes) / vision.width
    return total
