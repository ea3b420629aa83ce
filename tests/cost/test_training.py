"""The cost of training against what torch counts."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.conftest import MODELS, SAMPLES, TINY_VISION
from vlmcore.config import (
    BASE,
    LanguageConfig,
    LoRAConfig,
    PoolConfig,
    PruMergePlusConfig,
    VLMConfig,
    replace,
)
from vlmcore.cost import (
    DEVICES,
    Spread,
    Texts,
    trained_parameters,
    training_flops,
    training_memory,
)
from vlmcore.cost.training import layer_bytes
from vlmcore.data.samples import IGNORE, tokenize
from vlmcore.models.compressors import COMPRESSORS
from vlmcore.models.language import LanguageModel
from vlmcore.models.lora import add_lora
from vlmcore.models.vlm import VLM
from vlmcore.training.parts import train_parts

LANGUAGE = LanguageConfig(vocab_size=16, width=96, depth=6, heads=4, mlp_width=352)

SEEING = [(PruMergePlusConfig(5), 13), *(x for x in MODELS if x[0] is not None)]


def test_every_compressor_is_counted():
    assert {compressor.name for compressor, _ in SEEING} == {*COMPRESSORS}


@pytest.mark.parametrize("stage", ["align", "tune"])
@pytest.mark.parametrize(("compressor", "v"), [*SEEING], ids=str)
@pytest.mark.parametrize("checkpointed", [False, True])
def test_flops_of_both_passes_are_those_that_torch_counts(
    tokenizer, images, stage, compressor, v, checkpointed
):
    config = VLMConfig(LANGUAGE, v, compressor, TINY_VISION)
    vlm = VLM.from_config(config, tokenizer)
    for part in (vlm.language.model, vlm.vision.model):
        part.set_attn_implementation("eager")  # of which torch sees every product
    if checkpointed:
        vlm.language.checkpoint_activations()
    train_parts(vlm.train(), stage)
    tokens = [SAMPLES[1]._replace(question="is there red? " * 8)]
    tokens = tokenize(tokens, tokenizer, "image_first")
    batch = tokens.batch(torch.tensor([0]))
    with FlopCounterMode(display=False) as counter:
        vlm(batch, images[1:2]).loss.backward()
    labels = int((batch.labels != IGNORE).sum())
    texts = Texts(int(batch.length), labels, int(batch.question_length))
    flops = training_flops(vlm.config, stage, texts, checkpointed=checkpointed)
    assert flops.total == pytest.approx(counter.get_total_flops(), rel=0.01)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        vlm(batch, images[1:2])
    once = flops.encoder + flops.question_pass + flops.compressor / 3 + flops.forward
    assert once == pytest.approx(counter.get_total_flops(), rel=0.01)


@pytest.mark.parametrize("half", [False, True], ids=["32-true", "bf16-mixed"])
@pytest.mark.parametrize("learnt", [True, False], ids=["learnt", "frozen"])
@pytest.mark.parametrize("kv_heads", [None, 1])
def test_bytes_of_a_layer_are_those_that_autograd_keeps(
    tokenizer, half, learnt, kv_heads
):
    one, two = (
        kept(replace(LANGUAGE, depth=depth, kv_heads=kv_heads), tokenizer, half, learnt)
        for depth in (1, 2)
    )
    config = replace(LANGUAGE, kv_heads=kv_heads)
    expected = layer_bytes(config, learnt=learnt, half=half)
    assert two - one == pytest.approx(expected, rel=1e-6)


def kept(config, tokenizer, half, learnt):
    """Bytes by token, without the weights and their 16-bit copies."""
    language = LanguageModel.from_config(config, tokenizer).requires_grad_(learnt)
    weights = {x.untyped_storage().data_ptr() for x in language.parameters()}
    shapes = {x.shape for x in language.parameters()}
    shapes |= {shape[::-1] for shape in shapes}
    seen = {}

    def pack(x):
        storage = x.untyped_storage()
        if storage.data_ptr() not in weights and x.shape not in shapes:
            seen[storage.data_ptr()] = storage.nbytes(), x
        return x

    embeddings = torch.randn(2, 31, config.width, requires_grad=True)
    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x),
        torch.autocast("cpu", torch.bfloat16, enabled=half),
    ):
        output = language(embeddings)
    assert output.requires_grad
    return sum(size for size, _ in seen.values()) / 62


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("learnt", [True, False], ids=["learnt", "frozen"])
def test_copies_in_16_bits_are_those_that_autocast_keeps(tokenizer, tied, learnt):
    sizes = replace(LANGUAGE, vocab_size=4096, tied=tied)
    language = LanguageModel.from_config(sizes, tokenizer).requires_grad_(learnt)
    shapes = {x.shape for x in language.parameters()}
    shapes |= {shape[::-1] for shape in shapes}
    seen = {}

    def pack(x):
        storage = x.untyped_storage()
        if x.dtype == torch.bfloat16 and x.shape in shapes:
            seen[storage.data_ptr()] = storage.nbytes(), x
        return x

    embeddings = torch.randn(2, 31, sizes.width, requires_grad=True)
    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x),
        torch.autocast("cpu", torch.bfloat16),
    ):
        logits = language.logits(language(embeddings))
    assert logits.requires_grad
    config = VLMConfig(sizes, 4, PoolConfig(), TINY_VISION)
    stage = "tune" if learnt else "align"
    copies = training_memory(config, stage, Texts(31, 3, 9), Spread()).copies
    kept = sum(size for size, _ in seen.values())
    assert copies == pytest.approx(kept, rel=0.005)  # norms have no copy


def test_a_geforce_is_what_its_cores_and_clock_give():
    """GA102's white paper: 5888 cores, 184 tensor cores of 64 products a cycle."""
    card, clock = DEVICES["RTX 3070"], 1.725e9
    assert card.single == pytest.approx(2 * 5888 * clock, rel=0.005)
    assert card.half == pytest.approx(2 * 184 * 64 * clock, rel=0.005)


def test_recomputed_layers_keep_their_input_alone(tokenizer):
    texts, config = (
        Texts(100, 10, 10),
        VLMConfig(LANGUAGE, 4, PoolConfig(), TINY_VISION),
    )
    spread = Spread(micro_batch=2, half=False, checkpointed=True)
    less, deeper = (
        training_memory(replace(config, language=replace(LANGUAGE, depth=depth)), *rest)
        for depth, *rest in ((6, "tune", texts, spread), (7, "tune", texts, spread))
    )
    assert deeper.activations - less.activations == 2 * 104 * 4 * LANGUAGE.width


@pytest.mark.parametrize("lora", [None, LoRAConfig(4, targets=("q_proj", "up_proj"))])
def test_trained_parameters_are_those_with_a_gradient(tokenizer, lora):
    vlm = VLM.from_config(VLMConfig(LANGUAGE, 4, PoolConfig(), TINY_VISION), tokenizer)
    if lora is not None:
        add_lora(vlm.language, lora)
    train_parts(vlm, "tune")
    trained = sum(x.numel() for x in vlm.parameters() if x.requires_grad)
    assert trained_parameters(vlm.config, "tune", lora) == trained


def test_shards_share_everything_but_the_encoder():
    model, texts = BASE["quecc-vicuna-7b"].model, Texts(2048, 2048, 100)
    whole = training_memory(model, "tune", texts, Spread())
    shared = training_memory(model, "tune", texts, Spread(shards=8))
    copied = training_memory(model, "tune", texts, Spread(replicas=8))
    assert shared.moments == whole.moments / 8 and shared.gradients < whole.gradients
    assert whole.weights / 8 < shared.weights < whole.weights / 6
    assert copied.gradients == 2 * whole.gradients
