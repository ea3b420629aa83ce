"""Saving a whole model, and loading what is damaged."""

import copy
import io
import json
import pickle

import pytest
import torch

from tests.conftest import SAMPLES
from vlmcore.config import LoRAConfig, PruMergeConfig, QueCCConfig
from vlmcore.data.samples import tokenize
from vlmcore.models.lora import add_lora
from vlmcore.models.vlm import VLM


def test_a_saved_model_answers_the_same(
    make_vlm, tokenizer, features, order, model, tmp_path
):
    vlm = make_vlm(*model, order)
    vlm.save_pretrained(tmp_path / "vlm")
    vlm.save_pretrained(tmp_path / "vlm")  # over itself
    again = VLM.from_pretrained(tmp_path / "vlm")
    assert again.config == vlm.config
    batch = tokenize(SAMPLES, tokenizer, order).batch(torch.arange(len(SAMPLES)))
    with torch.no_grad():
        assert torch.equal(again(batch, features).logits, vlm(batch, features).logits)
    assert [path.name for path in tmp_path.iterdir()] == ["vlm"]


def test_a_damaged_model_gets_a_sentence(make_vlm, tmp_path):
    make_vlm().save_pretrained(tmp_path)
    weights = tmp_path / "compressor.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(ValueError, match=r"compressor.safetensors is damaged"):
        VLM.from_pretrained(tmp_path)
    weights.unlink()
    with pytest.raises(FileNotFoundError, match=r"compressor.safetensors"):
        VLM.from_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config.json is damaged at line 1"):
        VLM.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**config, "visual_tokenz": 1}))
    with pytest.raises(ValueError, match="visual_tokenz"):
        VLM.from_pretrained(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"config.json"):
        VLM.from_pretrained(tmp_path / "nowhere")


def test_weights_of_another_v_get_a_sentence(make_vlm, tmp_path):
    make_vlm().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "visual_tokens": 9}))
    with pytest.raises(ValueError, match=r"does not fit config.json.*V = 9"):
        VLM.from_pretrained(tmp_path)


def test_saving_leaves_the_files_of_others_alone(make_vlm, tmp_path):
    """In the folder, beside it, and behind a link to it."""
    folder, link = tmp_path / "vlm", tmp_path / "link"
    foreign = [
        tmp_path / "vlm.old" / "x",
        tmp_path / "vlm.partial" / "x",
        folder / "notes.txt",
        folder / "language" / "generation" / "x",
    ]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    link.symlink_to(folder)
    elsewhere = tmp_path / "elsewhere.json"
    (folder / "config.json").symlink_to(elsewhere)
    for target in (folder, link):
        make_vlm().save_pretrained(target)
    assert all(path.read_text() == "mine" for path in foreign)
    assert link.is_symlink() and (folder / "config.json").is_symlink()
    assert VLM.from_pretrained(folder).config == make_vlm().config
    assert not [path for path in tmp_path.rglob("*") if "-partial-" in path.name]


def test_a_failed_save_leaves_the_old_model(make_vlm, tmp_path, monkeypatch):
    make_vlm().save_pretrained(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    other = make_vlm(seed=1)
    monkeypatch.setattr("vlmcore.models.vlm.save_file", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        other.save_pretrained(tmp_path)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize(
    "name",
    ["config.json", "language/model.safetensors", "vision/preprocessor_config.json"],
)
def test_a_file_of_others_is_never_replaced(make_vlm, tmp_path, name):
    """Neither one that was there, nor one of ours that was changed since."""
    path, vlm = tmp_path / "a" / name, make_vlm()
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(ValueError, match=rf"{name} would be replaced, and vlmcore did"):
        vlm.save_pretrained(tmp_path / "a")
    assert [p for p in (tmp_path / "a").rglob("*") if p.is_file()] == [path]
    path.unlink()
    vlm.save_pretrained(tmp_path / "a")
    path.write_text("changed")
    with pytest.raises(ValueError, match=r"changed since; choose another folder"):
        make_vlm(seed=1).save_pretrained(tmp_path / "a")
    assert path.read_text() == "changed"


def test_a_folder_where_a_file_is_gets_a_sentence(make_vlm, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "a" / "config.json").mkdir(parents=True)
    with pytest.raises(ValueError, match="file cannot be made, since a file has its"):
        make_vlm().save_pretrained(tmp_path / "file")
    with pytest.raises(ValueError, match=r"config.json is a folder; choose another"):
        make_vlm().save_pretrained(tmp_path / "a")


def test_a_part_can_be_saved_again_on_its_own(make_vlm, tmp_path):
    vlm = make_vlm()
    vlm.save_pretrained(tmp_path)
    make_vlm(seed=1).language.save_pretrained(tmp_path / "language")
    vlm.save_pretrained(tmp_path)
    assert (tmp_path / "compressor.safetensors").exists()
    make_vlm(None, 0).save_pretrained(tmp_path)
    assert not (tmp_path / "compressor.safetensors").exists(), "a blind model has none"


@pytest.mark.parametrize("model", [(QueCCConfig(heads=2), 4), (PruMergeConfig(5), 3)])
@pytest.mark.parametrize("lora", [False, True])
def test_a_model_can_be_pickled_copied_and_saved_by_torch(
    make_vlm, images, model, lora
):
    vlm = make_vlm(*model)
    if lora:
        add_lora(vlm.language, LoRAConfig(rank=2))
    file, asked = io.BytesIO(), (images, ["what?"] * len(images))
    torch.save(vlm, file)
    file.seek(0)
    for other in (
        pickle.loads(pickle.dumps(vlm)),
        copy.deepcopy(vlm),
        torch.load(file, weights_only=False),
    ):
        assert other.ask(*asked) == vlm.ask(*asked)
        assert all(map(torch.equal, other.parameters(), vlm.parameters()))
