import pytest
import torch

from tests.conftest import SAMPLES
from vlmcore.config import LanguageConfig, LoRAConfig, replace
from vlmcore.cost.training import FOUR_BIT_BYTES
from vlmcore.data.samples import tokenize
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.language import LanguageModel
from vlmcore.models.lora import add_lora, merge_lora, tuned
from vlmcore.models.vlm import VLM
from vlmcore.training import TrainingConfig, TrainingData, fit
from vlmcore.training.parts import train_parts
from vlmcore.training.trainer import StageConfig

LORA = LoRAConfig(rank=4, alpha=8)
SHORT = TrainingConfig(
    StageConfig(4, 1e-2, 3), StageConfig(8, 1e-2, 3), seed=3, lora=LORA
)
QUIET = {"progress": False, "accelerator": "cpu"}


@pytest.fixture
def data(make_vlm, images, tokenizer, tmp_path):
    return TrainingData(
        tokenize(SAMPLES, tokenizer, "image_first"),
        FeatureStore(make_vlm().vision, images.numpy(), tmp_path / "features"),
    )


def test_it_begins_as_what_it_was_and_trains_two_matrices_a_target(
    make_vlm, batch, images
):
    vlm = make_vlm()
    images = images[[0, 1, 2, 1]]
    with torch.no_grad():
        before = vlm(batch, images).logits
        add_lora(vlm.language, LORA)
        torch.testing.assert_close(vlm(batch, images).logits, before)
    assert sum(x.numel() for x in tuned(vlm.language)) == 2 * 2 * 4 * (
        24 + 24
    )  # layers, targets, rank, in and out
    with pytest.raises(ValueError, match="LoRA matrices already"):
        add_lora(vlm.language, LORA)
    with pytest.raises(ValueError, match=r"merge_lora first"):
        vlm.language.save_pretrained("nowhere")


def test_half_precision_is_left_to_what_is_not_trained(make_vlm):
    language = make_vlm().language.bfloat16()
    add_lora(language, LORA)
    assert {x.dtype for x in tuned(language)} == {torch.float32} and language.embed(
        torch.tensor([1])
    ).dtype == torch.bfloat16


def test_the_second_stage_moves_lora_and_compressor_only(make_vlm, data, tmp_path):
    vlm = make_vlm()
    before = {name: x.clone() for name, x in vlm.language.model.named_parameters()}
    fit(vlm, data, SHORT, tmp_path / "run", **QUIET)
    after = dict(vlm.language.model.named_parameters())
    assert all(
        torch.equal(
            x,
            after[
                name.replace("_proj.", "_proj.base_layer.")
                if "_proj.weight" in name and ("q_" in name or "v_" in name)
                else name
            ],
        )
        for name, x in before.items()
    )
    assert all(x.abs().sum() > 0 for name, x in after.items() if "lora_B" in name)

    again = fit(
        make_vlm(), data, SHORT, tmp_path / "run", **QUIET
    )  # found done: read from the small files
    assert all(
        torch.equal(x, dict(again.named_parameters())[name])
        for name, x in vlm.named_parameters()
    )
    with pytest.raises(ValueError, match=r"belongs to something else .*lora"):
        fit(
            make_vlm(),
            data,
            replace(SHORT, lora=replace(LORA, alpha=4)),
            tmp_path / "run",
            **QUIET,
        )


def test_an_interrupted_run_ends_with_the_same_weights(make_vlm, data, tmp_path):
    class StopError(Exception):
        pass

    alone, broken, seen = (
        fit(make_vlm(), data, SHORT, tmp_path / "alone", **QUIET),
        make_vlm(),
        [],
    )
    forward = broken.forward

    def interrupt(*args):
        seen.append(args)
        if len(seen) == 9:  # the fifth step of the second stage
            raise StopError
        return forward(*args)

    broken.forward = interrupt
    with pytest.raises(StopError):
        fit(broken, data, SHORT, tmp_path / "broken", checkpoint_every=2, **QUIET)
    resumed = fit(
        make_vlm(), data, SHORT, tmp_path / "broken", checkpoint_every=2, **QUIET
    )
    assert all(
        torch.equal(x, dict(resumed.named_parameters())[name])
        for name, x in alone.named_parameters()
    )


def test_merged_it_says_the_same_and_can_be_saved(make_vlm, data, images, tmp_path):
    vlm = fit(make_vlm(), data, SHORT, tmp_path / "run", **QUIET)
    batch, images = data.tokens.batch(torch.arange(4)), images[[0, 1, 2, 1]]
    with torch.no_grad():
        trained = vlm(batch, images).logits
        merge_lora(vlm.language)
        torch.testing.assert_close(
            vlm(batch, images).logits, trained, rtol=1e-4, atol=1e-5
        )
        vlm.save_pretrained(tmp_path / "vlm")
        torch.testing.assert_close(
            VLM.from_pretrained(tmp_path / "vlm")(batch, images).logits,
            trained,
            rtol=1e-4,
            atol=1e-5,
        )
    assert isinstance(vlm.language, LanguageModel) and len(tuned(vlm.language)) == len(
        list(vlm.language.parameters())
    )


def test_weights_of_four_bits_are_close_and_take_the_bytes_that_are_counted(
    tokenizer, tmp_path
):
    bitsandbytes = pytest.importorskip("bitsandbytes")
    torch.manual_seed(0)
    config = LanguageConfig(len(tokenizer), 64, 2, 4, mlp_width=128)
    whole = LanguageModel.from_config(config, tokenizer)
    whole.save_pretrained(tmp_path)
    language = LanguageModel.from_pretrained(tmp_path, four_bit=True)
    matrix = language.layers[0].self_attn.q_proj.weight
    assert matrix.dtype == torch.uint8
    words = torch.randn(2, 5, 64)
    with torch.no_grad():
        difference = (language(words) - whole(words)).square().mean()
    assert 0 < difference < 0.1  # of states whose mean square is 1
    large = bitsandbytes.nn.Linear4bit(1024, 1024, quant_type="nf4")
    large = large.to("cpu")
    packed = large.weight.quant_state
    scales = [packed.absmax, packed.state2.absmax]
    stored = sum(x.nbytes for x in (large.weight, *scales))
    assert stored / 1024**2 == pytest.approx(FOUR_BIT_BYTES, rel=1e-3)


def test_weights_of_four_bits_without_their_package_are_a_sentence(
    monkeypatch, tmp_path
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install bitsandbytes accel"):
        LanguageModel.from_pretrained(tmp_path, four_bit=True)


def test_nothing_is_trained_through_weights_of_four_bits_on_a_cpu(
    make_vlm, monkeypatch
):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    vlm = make_vlm().requires_grad_(False)
    matrix = vlm.language.layers[0].self_attn.q_proj
    packed = matrix.weight.data.to(torch.uint8)  # as bitsandbytes keeps them
    matrix.weight = torch.nn.Parameter(packed, requires_grad=False)
    with pytest.raises(ValueError, match="train on a GPU, or without four_bit"):
        train_parts(vlm, "align")
