import json
import math

import numpy as np
import pytest
import torch
from transformers import (
    BeitConfig,
    BeitModel,
    CLIPConfig,
    CLIPModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    SiglipConfig,
    SiglipModel,
    SiglipVisionConfig,
    SiglipVisionModel,
    ViTConfig,
    ViTModel,
)

from vlmcore.config import VisionConfig
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.vision import CHECKPOINT, VisionEncoder

SIZES = {
    "image_size": 24,
    "patch_size": 4,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


def tiny(kind):
    torch.manual_seed(0)
    if kind == "clip":
        return CLIPVisionModel(CLIPVisionConfig(**SIZES)).eval()
    if kind == "siglip":
        return SiglipVisionModel(SiglipVisionConfig(**SIZES)).eval()
    return ViTModel(ViTConfig(**SIZES), add_pooling_layer=False).eval()


@pytest.mark.parametrize("kind", ["clip", "vit"])
def test_features_are_transformers_hidden_states(kind, images, tmp_path):
    model = tiny(kind)
    model.save_pretrained(tmp_path)
    encoder = VisionEncoder.from_pretrained(tmp_path, layers=(0, 1, 2))
    model.set_attn_implementation("eager")
    with torch.no_grad():
        features = encoder(images, attention=True)
        truth = model(
            encoder.prepare(images), output_hidden_states=True, output_attentions=True
        )
    for index, layer in enumerate((0, 1, 2)):
        torch.testing.assert_close(
            features.layers[:, :, index], truth.hidden_states[layer][:, 1:]
        )
    assert torch.equal(features.patches, features.layers[:, :, -1])
    assert features.cls_attention.shape == (3, 36) and features.keys.shape == (
        3,
        36,
        16,
    )


@pytest.mark.parametrize("kind", ["clip", "vit"])
def test_cls_attention_is_one_head_over_the_full_width(kind, images, tmp_path):
    """By a hook on the last layer's projections, not by the encoder's own path."""
    tiny(kind).save_pretrained(tmp_path)
    encoder = VisionEncoder.from_pretrained(tmp_path)
    attention = encoder.family.attention(encoder.family.layers(encoder.model)[-1])
    caught = {}
    for name in ("q_proj", "k_proj"):
        # a hook that returns something replaces the output, so this one returns None
        getattr(attention, name).register_forward_hook(
            lambda module, inputs, output, name=name: caught.update({name: output})
        )
    with torch.no_grad():
        features = encoder(images, attention=True)
    assert caught["q_proj"].shape == (3, 1, 16), (
        "the encoder asks for the CLS token alone, after the model's own pass"
    )
    scores = torch.einsum("bd,bpd->bp", caught["q_proj"][:, 0], caught["k_proj"])
    torch.testing.assert_close(
        features.cls_attention, (scores / math.sqrt(16)).softmax(-1)[:, 1:]
    )
    torch.testing.assert_close(features.keys, caught["k_proj"][:, 1:])


def test_a_whole_clip_checkpoint_gives_its_image_tower(images, tmp_path):
    torch.manual_seed(0)
    text = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "vocab_size": 20,
    }
    clip = CLIPModel(
        CLIPConfig(text_config=text, vision_config=SIZES, projection_dim=8)
    ).eval()
    clip.save_pretrained(tmp_path)
    encoder = VisionEncoder.from_pretrained(tmp_path)
    with torch.no_grad():
        truth = clip.vision_model(
            encoder.prepare(images), output_hidden_states=True
        ).hidden_states[2][:, 1:]
        torch.testing.assert_close(encoder(images).patches, truth)


def test_the_papers_layers_are_the_default_of_a_deep_model(images, tmp_path):
    torch.manual_seed(0)
    model = CLIPVisionModel(
        CLIPVisionConfig(**{**SIZES, "num_hidden_layers": 24})
    ).eval()
    model.save_pretrained(tmp_path)
    encoder = VisionEncoder.from_pretrained(tmp_path)
    assert encoder.config.layers == (12, 16, 22, 23)
    with torch.no_grad():
        truth = model(encoder.prepare(images), output_hidden_states=True).hidden_states
        features = encoder(images)
    for index, layer in enumerate((12, 16, 22, 23)):
        torch.testing.assert_close(features.layers[:, :, index], truth[layer][:, 1:])
    assert not torch.allclose(truth[22], truth[23])


@pytest.mark.parametrize("whole", [False, True], ids=["tower", "whole"])
def test_siglip_has_patches_only(whole, images, tmp_path):
    """Also where pixels are not whole patches: 27 are six patches of 4 and a rest."""
    torch.manual_seed(0)
    sizes = {**SIZES, "image_size": 27}
    text = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "vocab_size": 20,
    }
    model = (
        SiglipModel(SiglipConfig(text_config=text, vision_config=sizes))
        if whole
        else SiglipVisionModel(SiglipVisionConfig(**sizes))
    )
    model.eval().save_pretrained(tmp_path)
    encoder = VisionEncoder.from_pretrained(tmp_path)
    assert encoder.config.side == 6 and encoder.prepare(images).shape == (3, 3, 27, 27)
    tower = model.vision_model if whole else model
    with torch.no_grad():
        truth = tower(encoder.prepare(images), output_hidden_states=True).hidden_states
        features = encoder(images)
    assert features.layers.shape == (3, 36, 2, 16) and features.cls_attention is None
    torch.testing.assert_close(features.layers[:, :, 0], truth[1])
    torch.testing.assert_close(features.patches, truth[2])


def test_a_checkpoint_survives_saving(images, tmp_path):
    encoder = VisionEncoder.from_pretrained()
    encoder.save_pretrained(tmp_path)
    again = VisionEncoder.from_pretrained(tmp_path)
    assert again.config == encoder.config == VisionConfig()
    torch.testing.assert_close(again(images).layers, encoder(images).layers)
    assert json.loads((tmp_path / "preprocessor_config.json").read_text())[
        "image_mean"
    ] == pytest.approx([0.5] * 3)


def test_pixels_are_scaled_and_normalised(tmp_path):
    encoder = VisionEncoder.from_pretrained()
    white = torch.full((1, 3, 72, 72), 255, dtype=torch.uint8)
    torch.testing.assert_close(encoder.prepare(white), torch.ones(1, 3, 72, 72))
    torch.testing.assert_close(
        encoder.prepare(white.float() / 255), torch.ones(1, 3, 72, 72)
    )
    torch.testing.assert_close(
        encoder.prepare(white[:, :, :64, :64]), torch.ones(1, 3, 72, 72)
    )


def test_the_encoder_is_frozen_and_stays_so():
    assert not any(
        p.requires_grad for p in VisionEncoder.from_pretrained().parameters()
    )


def test_bad_input_gets_a_sentence(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"holds no config.json.*save_pretrained"
    ):
        VisionEncoder.from_pretrained(tmp_path / "nowhere")
    BeitModel(BeitConfig(**SIZES)).save_pretrained(tmp_path)
    with pytest.raises(
        ValueError,
        match=r"'beit'.*clip, clip_vision_model, siglip, siglip_vision_model, vit",
    ):
        VisionEncoder.from_pretrained(tmp_path)
    with pytest.raises(
        ValueError, match=r"'siglip_vision_model' model has no CLS token.*CLIP"
    ):
        VisionEncoder(tiny("siglip"), (1, 2))(torch.zeros(1, 3, 24, 24), attention=True)


@pytest.mark.parametrize("keep", [0, 4, 100, -10])
def test_a_truncated_checkpoint_gets_a_sentence(tmp_path, keep):
    VisionEncoder.from_pretrained().save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"model.safetensors is damaged.*again"):
        VisionEncoder.from_pretrained(tmp_path)


def test_sharded_checkpoints_are_loaded(images, tmp_path):
    model = tiny("clip")
    model.save_pretrained(tmp_path, max_shard_size="10KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    encoder = VisionEncoder.from_pretrained(tmp_path)
    torch.testing.assert_close(
        encoder(images).patches, VisionEncoder(model, (1, 2))(images).patches
    )
    next(tmp_path.glob("model-00002*")).unlink()
    with pytest.raises(FileNotFoundError, match="model-00002"):
        VisionEncoder.from_pretrained(tmp_path)


def test_the_store_keeps_what_the_encoder_saw(tmp_path):
    encoder = VisionEncoder.from_pretrained()
    images = np.random.default_rng(0).integers(0, 256, (7, 3, 64, 64), dtype=np.uint8)
    store = FeatureStore(encoder, images, tmp_path, batch_size=3)
    assert len(store) == 7 and store.arrays[0].dtype == np.float16
    rows = torch.tensor([5, 0, 5])
    with torch.no_grad():
        truth = encoder(torch.from_numpy(images[rows])).layers
    assert store[rows].layers.dtype == torch.float32
    torch.testing.assert_close(store[rows].layers, truth, rtol=1e-3, atol=1e-2)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npy"], (
        "nothing half-written stays"
    )


def test_the_store_keeps_cls_attention_and_keys_when_asked(tmp_path):
    """They are stored beside the features, and only if they are requested."""
    encoder = VisionEncoder.from_pretrained()
    images = np.random.default_rng(0).integers(0, 256, (7, 3, 64, 64), dtype=np.uint8)
    plain = FeatureStore(encoder, images, tmp_path, batch_size=3)
    written = plain.path.read_bytes(), plain.path.stat().st_mtime_ns
    store = FeatureStore(encoder, images, tmp_path, batch_size=3, attention=True)
    assert (store.path.read_bytes(), store.path.stat().st_mtime_ns) == written
    rows = torch.tensor([6, 0, 6])
    with torch.no_grad():
        truth = encoder(torch.from_numpy(images[rows]), attention=True)
    for kept, seen in zip(store[rows], truth, strict=True):
        assert kept.shape == seen.shape and kept.dtype == torch.float32
        torch.testing.assert_close(
            kept, seen, rtol=1e-3, atol=1e-2 * seen.abs().max().item()
        )
    assert plain[rows].cls_attention is None and plain[rows].keys is None
    assert {path.suffix for path in tmp_path.iterdir()} == {".npy"} and len(
        list(tmp_path.iterdir())
    ) == 3

    at_once = FeatureStore(
        encoder, images, tmp_path / "other", batch_size=3, attention=True
    )
    assert at_once.path.read_bytes() == written[0]
    assert all(
        torch.equal(x, y) for x, y in zip(at_once[rows], store[rows], strict=True)
    )


def test_the_store_is_written_once_for_the_same_images_and_encoder(tmp_path):
    encoder = VisionEncoder.from_pretrained()
    images = np.zeros((2, 3, 64, 64), np.uint8)
    first = FeatureStore(encoder, images, tmp_path)
    stamp = first.path.stat().st_mtime_ns
    assert FeatureStore(encoder, images, tmp_path).path.stat().st_mtime_ns == stamp
    assert FeatureStore(encoder, images + 1, tmp_path).path != first.path
    other_layers = VisionEncoder.from_pretrained(CHECKPOINT, layers=(1, 2))
    assert FeatureStore(other_layers, images, tmp_path).path != first.path
    with torch.no_grad():
        next(encoder.parameters()).mul_(1.01)
    assert FeatureStore(encoder, images, tmp_path).path != first.path, (
        "other weights see otherwise"
    )
