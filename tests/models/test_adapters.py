import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.conftest import SAMPLES, TINY_LANGUAGE
from vlmcore.config import LoRAConfig, PoolConfig, QueCCConfig, replace, to_dict
from vlmcore.data.samples import tokenize
from vlmcore.models.adapters import from_stage, load_adapter, save_adapter
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.language import LanguageModel
from vlmcore.models.lora import add_lora, tuned
from vlmcore.training import TrainingConfig, TrainingData, fit
from vlmcore.training.trainer import StageConfig

LORA = LoRAConfig(rank=2)


def logits(vlm, batch, images):
    return vlm(batch, images[batch.image]).logits


@pytest.fixture
def tuned_vlm(make_vlm):
    """A model that sees, with LoRA's matrices that do something."""
    vlm = make_vlm(QueCCConfig(heads=2), 4)
    add_lora(vlm.language, LORA)
    for parameter in tuned(vlm.language):
        torch.nn.init.normal_(parameter)
    return vlm


def test_a_model_comes_back_from_its_adapter(
    tuned_vlm, make_vlm, batch, images, tmp_path
):
    """On the same encoder and language model; in half precision, so almost the same."""
    save_adapter(tuned_vlm, tmp_path / "a.safetensors")
    plain = make_vlm(
        QueCCConfig(heads=2), 4
    )  # the same seed, so the same encoder and language model
    before = logits(plain, batch, images)
    back = load_adapter(tmp_path / "a.safetensors", plain.vision, plain.language)
    expected = logits(tuned_vlm, batch, images)
    assert torch.allclose(
        logits(back, batch, images), expected, atol=2e-2
    ) and not torch.allclose(before, expected, atol=2e-2)
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_an_aligned_model_has_no_lora(make_vlm, batch, images, tmp_path):
    vlm = make_vlm(PoolConfig(), 4)
    torch.nn.init.normal_(next(vlm.compressor.parameters()))
    save_adapter(vlm, tmp_path / "a.safetensors")
    plain = make_vlm(PoolConfig(), 4, seed=0)
    back = load_adapter(tmp_path / "a.safetensors", plain.vision, plain.language)
    assert (
        torch.allclose(
            logits(back, batch, images), logits(vlm, batch, images), atol=2e-2
        )
        and not back.language.lora
    )


def test_what_does_not_fit_is_refused(tuned_vlm, make_vlm, tokenizer, tmp_path):
    path = tmp_path / "a.safetensors"
    save_adapter(tuned_vlm, path)
    vision = tuned_vlm.vision
    other = LanguageModel.from_config(
        replace(TINY_LANGUAGE, vocab_size=len(tokenizer), depth=1), tokenizer
    )
    with pytest.raises(
        ValueError, match=r"belongs to another language model: .*depth=2.*depth=1"
    ):
        load_adapter(path, vision, other)
    with pytest.raises(FileNotFoundError, match=r"no .*b.safetensors; give the file"):
        load_adapter(tmp_path / "b.safetensors", vision, other)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match="is damaged"):
        load_adapter(path, vision, other)
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="is no adapter"):
        load_adapter(path, vision, other)


def test_a_file_that_lacks_a_part_is_refused(tuned_vlm, make_vlm, tmp_path):
    """It says that there is no LoRA, and holds its matrices."""
    path = tmp_path / "a.safetensors"
    save_adapter(tuned_vlm, path)
    config = json.dumps(to_dict(tuned_vlm.config))
    save_file(load_file(path), path, {"model": config, "lora": "null"})
    plain = make_vlm(QueCCConfig(heads=2), 4)
    with pytest.raises(
        ValueError, match=r"does not hold what its config says.*no LoRA"
    ):
        load_adapter(path, plain.vision, plain.language)


def test_only_an_adapter_is_replaced(tuned_vlm, tmp_path):
    """The weights of a stage, for one, have much the same name."""
    path = tmp_path / "a.safetensors"
    save_adapter(tuned_vlm, path)
    save_adapter(tuned_vlm, path)
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="is no adapter"):
        save_adapter(tuned_vlm, path)
    assert load_file(path).keys() == {"x"}


def test_a_model_to_which_nothing_was_added_has_no_adapter(make_vlm, tmp_path):
    with pytest.raises(ValueError, match="neither a compressor nor"):
        save_adapter(make_vlm(None, 0), tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())


def test_what_a_stage_left_becomes_an_adapter(
    make_vlm, batch, images, tokenizer, tmp_path
):
    """It equals that of the trained model; weights of a whole model are refused."""
    tokens = tokenize(SAMPLES, tokenizer, "image_first")
    store = FeatureStore(make_vlm().vision, (images * 255).byte().numpy(), tmp_path)
    stage = StageConfig(2, 1e-2, 2)
    config = TrainingConfig(stage, stage, lora=LORA)
    trained = fit(
        make_vlm(),
        TrainingData(tokens, store),
        config,
        tmp_path / "run",
        progress=False,
        accelerator="cpu",
    )
    from_stage(tmp_path / "run" / "tune.safetensors", tmp_path / "a.safetensors")
    plain = make_vlm()
    back = load_adapter(tmp_path / "a.safetensors", plain.vision, plain.language)
    assert torch.allclose(
        logits(back, batch, images), logits(trained, batch, images), atol=2e-2
    )
    fit(
        make_vlm(),
        TrainingData(tokens, store),
        replace(config, lora=None),
        tmp_path / "whole",
        progress=False,
        accelerator="cpu",
    )
    with pytest.raises(ValueError, match="holds the language model itself"):
        from_stage(tmp_path / "whole" / "tune.safetensors", tmp_path / "b.safetensors")
