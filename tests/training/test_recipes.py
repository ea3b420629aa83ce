"""A recipe's file, its cost, and training by it: on one device, killed and resumed."""

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner

from vlmcore.cli import app
from vlmcore.config import (
    BASE,
    LanguageConfig,
    LoRAConfig,
    Recipe,
    from_dict,
    replace,
    to_dict,
)
from vlmcore.cost import parameters
from vlmcore.cost.training import FOUR_BIT_BYTES
from vlmcore.models.language import LanguageModel
from vlmcore.models.vlm import VLM
from vlmcore.training.planning import check_memory, describe_plan, steps_of
from vlmcore.training.recipes import plan_recipe, read_recipe


def invoke(*arguments):
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


def trained(out):
    return {
        stage: load_file(out / f"{stage}.safetensors") for stage in ("align", "tune")
    }


def equal(one, other):
    return all(
        torch.equal(x, other[stage][name])
        for stage, tensors in one.items()
        for name, x in tensors.items()
    )


def test_the_rows_of_the_paper_are_recipes():
    assert len(BASE) == 12
    for name, recipe in BASE.items():
        assert from_dict(Recipe, to_dict(recipe)) == recipe, name
        align, tune = recipe.align, recipe.tune
        assert (align.learning_rate, align.batch_size, align.epochs) == (1e-3, 256, 1)
        assert (tune.learning_rate, tune.batch_size, tune.epochs) == (2e-5, 128, 1)
        assert recipe.model.compressor.heads in (1, 8)
    row = BASE["quecc-vicuna-7b"]
    once = replace(row.hardware, checkpoint_activations=False)
    plans = plan_recipe(replace(row, hardware=once))
    flops = sum(plan.flops for plan in plans)
    assert flops == pytest.approx(1e19, rel=0.05)  # 21 A100-hours at 40 %


def test_a_tiny_recipe_trains_and_resumes(recipe_file, tmp_path, monkeypatch):
    done = invoke(recipe_file, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "16 conversations of" in done.output and "(counted), 8 steps" in done.output
    assert "memory of a device" in done.output and "hours" in done.output
    whole = trained(tmp_path / "out")
    vlm = VLM.from_pretrained(tmp_path / "out" / "model")
    assert isinstance(vlm.ask(Image.new("RGB", (24, 24)), "what colour?")[0], str)
    name = "compressor.projection.0.weight"
    assert torch.equal(vlm.state_dict()[name], whole["tune"][name])

    class KilledError(Exception):
        pass

    forward, calls = VLM.forward, []

    def killed(self, *arguments):
        calls.append(0)
        if len(calls) in (7, 30):  # within stage 1, and within stage 2
            raise KilledError
        return forward(self, *arguments)

    monkeypatch.setattr(VLM, "forward", killed)
    command = recipe_file, "--out", tmp_path / "again", "--checkpoint-every", 3
    assert [invoke(*command).exit_code for _ in range(3)] == [1, 1, 0]
    assert equal(whole, trained(tmp_path / "again"))


@pytest.mark.parametrize("device", ["cpu", pytest.param("T4", marks=pytest.mark.gpu)])
def test_weights_of_four_bits_train_lora_on_a_gpu_alone(
    recipe_file, tokenizer, tmp_path, device
):
    pytest.importorskip("bitsandbytes")
    if device == "T4" and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    config = LanguageConfig(len(tokenizer), 64, 2, 4, mlp_width=128)
    language = LanguageModel.from_config(config, tokenizer)
    language.save_pretrained(tmp_path / "language")
    text = recipe_file.read_text().replace("seed = 1", "seed = 1\nfour_bit = true")
    text = text.replace('device = "cpu"', f'device = "{device}"')
    recipe_file.write_text(f"{text}[lora]\nrank = 2\n")
    done = invoke(recipe_file, "--out", tmp_path / "out")
    assert "the language model in four bits" in done.output, done.output
    if device == "cpu":
        assert done.exit_code == 2 and "no gradient passes" in done.output
        return
    assert done.exit_code == 0, done.output
    names = trained(tmp_path / "out")["tune"]
    assert all("lora" in name or "compressor" in name for name in names)
    vlm = VLM.from_pretrained(tmp_path / "out" / "model")
    assert vlm.ask(tmp_path / "0.png", "what colour?")


def test_weights_of_four_bits_need_lora_and_are_not_sharded():
    recipe = BASE["quecc-qwen2.5-0.5b"]
    one = replace(recipe, hardware=replace(recipe.hardware, devices=1))
    for wrong, lora in ((one, None), (recipe, LoRAConfig())):
        with pytest.raises(ValueError, match="neither trained nor sharded; give lora"):
            replace(wrong, four_bit=True, lora=lora)
    lora = replace(one, lora=LoRAConfig())
    whole, packed = (
        plan_recipe(replace(lora, four_bit=four_bit))[1].memory
        for four_bit in (False, True)
    )
    layers = parameters(recipe.model).language
    saved = whole.weights - packed.weights
    assert saved == pytest.approx(layers * (4 - FOUR_BIT_BYTES))


def test_the_compressor_has_a_learning_rate_of_its_own(recipe_file):
    recipe = read_recipe(recipe_file)
    assert recipe.tune.compressor_learning_rate == 1e-2
    assert recipe.align.learning_rate == BASE["quecc-vicuna-7b"].align.learning_rate
    assert recipe.model.language.width == 24 and recipe.model.vision.side == 6


def test_what_does_not_fit_is_refused_with_the_way_out():
    recipe = BASE["mlp-vicuna-7b"]
    small = replace(
        recipe.hardware,
        device="A100-40GB",
        devices=1,
        checkpoint_activations=False,
        strategy="ddp",
    )
    recipe = replace(recipe, hardware=small)
    plans = plan_recipe(recipe)
    with pytest.raises(ValueError, match=r"needs 20\d.* GB .*with (.*) it needs") as no:
        check_memory(recipe, plans)
    assert "strategy = 'fsdp', devices = 4" in str(no.value)
    fits = replace(
        small, checkpoint_activations=True, micro_batch=1, strategy="fsdp", devices=4
    )
    recipe = replace(recipe, hardware=fits)
    check_memory(recipe, plan_recipe(recipe))
    assert "4 A100-40GB (fsdp, bf16-mixed)" in describe_plan(recipe, plans)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ('recipe = "quecc-vicuna"', "is not known; choose from quecc-vicuna-7b"),
        ('device = "A101"', "'A101' is not known; choose from RTX 3070, T4"),
        ("micro_batch = 3", "make batch_size a multiple of 3"),
        ("precision = 'bf17'", "'bf17' is not known; choose from bf16-mixed"),
        ("devices = 0", "devices is 0; it must be a number of at least 1"),
        ("leanring_rate = 1", "has no field 'leanring_rate'"),
        ('data = "nowhere.json"', "nowhere.json is no file"),
        ("recipe = ", "cannot be read"),
    ],
)
def test_mistakes_are_sentences(recipe_file, change, sentence):
    name, lines = change.split(" =")[0], recipe_file.read_text().splitlines()
    if not any(line.startswith(f"{name} =") for line in lines):
        lines.append(change)
    lines = [change if line.startswith(f"{name} =") else line for line in lines]
    recipe_file.write_text("\n".join(lines))
    done = invoke(recipe_file, "--out", recipe_file.parent / "out")
    assert done.exit_code == 2 and sentence in done.output, done.output


def test_gpus_that_are_not_there_are_refused(recipe_file):
    text = recipe_file.read_text().replace('"cpu"', '"T4"')
    text = text.replace("devices = 1", "devices = 64")
    text = text.replace("batch_size = 4", "batch_size = 128")
    recipe_file.write_text(text)
    done = invoke(recipe_file, "--out", recipe_file.parent / "out")
    assert done.exit_code == 2 and "64 T4" in done.output, done.output


def test_steps_are_those_of_the_epochs():
    stage = replace(BASE["quecc-vicuna-7b"].tune, epochs=1.5)
    assert steps_of(stage, 665_000) == round(1.5 * (665_000 // 128))
    assert steps_of(stage, 10) == 2
