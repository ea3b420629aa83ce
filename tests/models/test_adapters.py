import json

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.conftest import SAMPLES, TINY_LANGUAGE
from vlmcore.config import LoRAConfig, PoolConfig, QueCCConfig, replace, to_dict
from vlmcore.data.samples import tokenize
from vlmcore.models.adapters import from_stage, load_adapter, save_adapter
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.language import LanguageModel
from vlmcore.models.lora import add_lora, peft_config, tuned
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
    save_adapter(tuned_vlm, tmp_path / "a")
    plain = make_vlm(
        QueCCConfig(heads=2), 4
    )  # the same seed, so the same encoder and language model
    before = logits(plain, batch, images)
    back = load_adapter(tmp_path / "a", plain.vision, plain.language)
    expected = logits(tuned_vlm, batch, images)
    assert torch.allclose(
        logits(back, batch, images), expected, atol=2e-2
    ) and not torch.allclose(before, expected, atol=2e-2)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "compressor.safetensors",
        "vlm.json",
        "vlmcore-files.json",
    ]


def test_an_aligned_model_has_no_lora(make_vlm, batch, images, tmp_path):
    vlm = make_vlm(PoolConfig(), 4)
    torch.nn.init.normal_(next(vlm.compressor.parameters()))
    save_adapter(vlm, tmp_path / "a")
    plain = make_vlm(PoolConfig(), 4, seed=0)
    back = load_adapter(tmp_path / "a", plain.vision, plain.language)
    assert (
        torch.allclose(
            logits(back, batch, images), logits(vlm, batch, images), atol=2e-2
        )
        and not back.language.lora
    )


def test_peft_opens_the_folder(tuned_vlm, make_vlm, batch, tmp_path):
    """Its own model then says the same of a text; the matrices take two bytes each."""
    save_adapter(tuned_vlm, tmp_path / "a")
    plain = make_vlm(QueCCConfig(heads=2), 4).language.model
    before = plain(batch.text).logits
    theirs = peft.PeftModel.from_pretrained(plain, tmp_path / "a").eval()
    expected = tuned_vlm.language.model(batch.text).logits
    assert torch.allclose(theirs(batch.text).logits, expected, atol=2e-2)
    assert not torch.allclose(before, expected, atol=2e-2)
    for file, count in (
        ("adapter_model", sum(x.numel() for x in tuned(tuned_vlm.language))),
        (
            "compressor",
            sum(x.numel() for x in tuned_vlm.compressor.state_dict().values()),
        ),
    ):
        content = (tmp_path / "a" / f"{file}.safetensors").read_bytes()
        header = int.from_bytes(content[:8], "little")
        assert len(content) == 8 + header + 2 * count, file


def test_the_files_are_those_that_peft_writes_itself(tuned_vlm, make_vlm, tmp_path):
    save_adapter(tuned_vlm, tmp_path / "a")
    language = make_vlm(QueCCConfig(heads=2), 4).language
    theirs = peft.get_peft_model(language.model, peft_config(LORA))
    weights = tuned_vlm.language.model.state_dict()
    language.model.load_state_dict(weights)
    theirs.save_pretrained(tmp_path / "theirs", save_embedding_layers=False)
    matrices, configs = (
        [read(tmp_path / name / file) for name in ("a", "theirs")]
        for read, file in (
            (load_file, "adapter_model.safetensors"),
            (lambda path: json.loads(path.read_text()), "adapter_config.json"),
        )
    )
    assert matrices[0].keys() == matrices[1].keys() and len(matrices[0]) == 2 * 2 * 2
    assert all(torch.equal(x, matrices[1][n].half()) for n, x in matrices[0].items())
    for config in configs:  # peft's own say where the model lies and that it is done
        del config["base_model_name_or_path"], config["inference_mode"]
        config["target_modules"] = sorted(config["target_modules"])
    assert configs[0] == configs[1]
    assert (configs[0]["r"], configs[0]["lora_alpha"]) == (2, 32)


def as_file(vlm, path, lora=LORA):
    """An adapter as earlier versions wrote it."""
    added = {
        name: x.half().contiguous()
        for name, x in vlm.state_dict().items()
        if name.startswith("compressor.") or ".lora_" in name
    }
    about = {"model": to_dict(vlm.config), "lora": lora and to_dict(lora)}
    save_file(added, path, {name: json.dumps(x) for name, x in about.items()})
    return path


def test_an_earlier_adapter_is_still_read(tuned_vlm, make_vlm, batch, images, tmp_path):
    save_adapter(tuned_vlm, tmp_path / "a")
    paths = tmp_path / "a", as_file(tuned_vlm, tmp_path / "a.safetensors")
    new, old = (
        load_adapter(path, plain.vision, plain.language)
        for path, plain in ((path, make_vlm(QueCCConfig(heads=2), 4)) for path in paths)
    )
    assert torch.equal(logits(new, batch, images), logits(old, batch, images))
    assert new.language.lora.config == old.language.lora.config == LORA


def test_what_does_not_fit_is_refused(tuned_vlm, make_vlm, tokenizer, tmp_path):
    path = tmp_path / "a"
    save_adapter(tuned_vlm, path)
    vision = tuned_vlm.vision
    other = LanguageModel.from_config(
        replace(TINY_LANGUAGE, vocab_size=len(tokenizer), depth=1), tokenizer
    )
    with pytest.raises(
        ValueError, match=r"belongs to another language model: .*depth=2.*depth=1"
    ):
        load_adapter(path, vision, other)
    with pytest.raises(FileNotFoundError, match=r"no .*/b; give the folder"):
        load_adapter(tmp_path / "b", vision, other)
    matrices = path / "adapter_model.safetensors"
    whole = matrices.read_bytes()
    matrices.write_bytes(whole[:-10])
    with pytest.raises(ValueError, match="is damaged"):
        load_adapter(path, vision, other)
    matrices.unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks .*adapter_model.safetensors"):
        load_adapter(path, vision, other)
    (path / "vlm.json").unlink()
    with pytest.raises(ValueError, match=r"is no adapter: it has no vlm.json"):
        load_adapter(path, vision, other)
    save_file({"x": torch.zeros(1)}, tmp_path / "c.safetensors")
    with pytest.raises(ValueError, match="is no adapter"):
        load_adapter(tmp_path / "c.safetensors", vision, other)


def test_an_adapter_that_lacks_a_part_is_refused(tuned_vlm, make_vlm, tmp_path):
    """It says that there is no LoRA, and holds its matrices."""
    path = as_file(tuned_vlm, tmp_path / "a.safetensors", lora=None)
    plain = make_vlm(QueCCConfig(heads=2), 4)
    with pytest.raises(
        ValueError, match=r"does not hold what its config says.*no LoRA"
    ):
        load_adapter(path, plain.vision, plain.language)


def test_only_an_adapter_is_replaced(tuned_vlm, tmp_path):
    """The adapter that a user trained with peft, for one, has the same name."""
    save_adapter(tuned_vlm, tmp_path / "a")
    save_adapter(tuned_vlm, tmp_path / "a")
    theirs = tmp_path / "b" / "adapter_model.safetensors"
    theirs.parent.mkdir()
    save_file({"x": torch.zeros(1)}, theirs)
    with pytest.raises(ValueError, match="would be replaced"):
        save_adapter(tuned_vlm, tmp_path / "b")
    assert load_file(theirs).keys() == {"x"}
    assert [path.name for path in tmp_path.joinpath("b").iterdir()] == [theirs.name]


def test_a_model_to_which_nothing_was_added_has_no_adapter(make_vlm, tmp_path):
    with pytest.raises(ValueError, match="neither a compressor nor"):
        save_adapter(make_vlm(None, 0), tmp_path / "a")
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
    from_stage(tmp_path / "run" / "tune.safetensors", tmp_path / "a")
    plain = make_vlm()
    back = load_adapter(tmp_path / "a", plain.vision, plain.language)
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
        from_stage(tmp_path / "whole" / "tune.safetensors", tmp_path / "b")
