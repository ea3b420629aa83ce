"""Pre-training of the miniature vision encoder from seeded procedural data alone.

The encoder is the image tower of a small CLIP (arXiv 2103.00020): transformers' own
`CLIPModel`, trained with its contrastive loss on drawn images and captions
(`vlmcore.data.synthetic.captioned_shapes`), never on an image of a benchmark. The
checkpoint in the package was made by

    vlmcore encoder train --out vlmcore/models/pretrained/checkpoints/clip-mini

in about 20 minutes on two cores (an interrupted run resumes), and a linear probe on it
by

    vlmcore encoder probe --out book/results/encoder
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    PreTrainedTokenizerBase,
)

from vlmcore.config import VisionConfig
from vlmcore.data import easyvqa
from vlmcore.data.synthetic.captioned_shapes import (
    CAPTION_WORDS,
    CaptionedImages,
    captioned_shapes,
)
from vlmcore.models.language import word_tokenizer
from vlmcore.models.vision import VisionEncoder, clip_config
from vlmcore.training.module import Stage
from vlmcore.training.steps import StepData
from vlmcore.training.trainer import StageConfig, run

MINI_CLIP = VisionConfig()
CONTRASTIVE = StageConfig(steps=1200, learning_rate=1.5e-3, batch_size=256, warmup=0.06)


def pretrain_vision(
    folder: str | Path,
    config: VisionConfig = MINI_CLIP,
    stage: StageConfig = CONTRASTIVE,
    seed: int = 0,
    *,
    draw: Callable[[int, int, int], CaptionedImages] = captioned_shapes,
    words: Sequence[str] = CAPTION_WORDS,
    start: VisionEncoder | None = None,
    **options: Any,
) -> VisionEncoder:
    """Trains a small CLIP on captioned images and keeps its image tower.

    Args:
        folder: for logs and the checkpoint of an interrupted run.
        config: sizes of the image tower; the text tower has two layers of the same
            width.
        stage: steps, batch and learning rate.
        seed: of weights and images.
        draw: images and captions from seed, step and their number.
        words: of all captions.
        start: an encoder of the same width, depth and grid, whose weights are the
            first; its patches may have another size.
        **options: of `trainer.run`.
    """
    torch.manual_seed(seed)
    tokenizer = word_tokenizer(words)
    clip = CLIPModel(_clip_sizes(config, tokenizer))
    if start is not None:
        clip.vision_model.load_state_dict(_weights(start, config.patch_size))
    encoder = VisionEncoder(clip.vision_model, config.layers, (0.5,) * 3, (0.5,) * 3)
    clip.requires_grad_(True)

    def make(step: int) -> tuple[Tensor, Tensor]:
        images, captions = draw(seed, step, stage.batch_size)
        return torch.from_numpy(images), _tokens(captions, tokenizer)

    def loss(clip: CLIPModel, batch: tuple[Tensor, Tensor]) -> Tensor:
        pixels, captions = encoder.prepare(batch[0]), batch[1]
        return clip(pixel_values=pixels, input_ids=captions, return_loss=True).loss

    module = Stage(clip, loss, stage, seed)
    data = StepData(make, (words, seed, make(0)))
    run(module, data, stage.steps, folder, **options)
    return encoder.cpu().eval().requires_grad_(False)


def _tokens(captions: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """Captions with their end, int (b, t)."""
    texts = [caption + tokenizer.eos_token for caption in captions]
    encoded: Any = tokenizer(
        texts, padding=True, return_tensors="pt", add_special_tokens=False
    )
    return encoded["input_ids"]


def _weights(encoder: VisionEncoder, patch_size: int) -> dict[str, Tensor]:
    """An encoder's weights for patches of another size.

    Kernels are resized and scaled so that a patch of one colour keeps its embedding.
    """
    weights = dict(encoder.model.state_dict())
    (name,) = (name for name in weights if name.endswith("patch_embedding.weight"))
    ratio = weights[name].shape[-1] / patch_size
    resized = F.interpolate(weights[name], size=patch_size, mode="bilinear")
    weights[name] = resized * ratio**2
    return weights


def _clip_sizes(config: VisionConfig, tokenizer: PreTrainedTokenizerBase) -> CLIPConfig:
    """Two towers of one width; the text tower has two layers."""
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=config.width,
        intermediate_size=config.mlp_width,
        num_hidden_layers=2,
        num_attention_heads=config.heads,
        max_position_embeddings=32,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        hidden_act="gelu",
    )
    vision = clip_config(config)
    return CLIPConfig(
        text_config=text, vision_config=vision, projection_dim=config.width
    )


def linear_probe(encoder: VisionEncoder) -> dict[str, dict[str, int]]:
    """Trains a linear classifier of easy-VQA's 24 contents on the frozen encoder.

    It is trained on the training images and scored on the test images. Images whose
    questions do not settle their content are left out.

    Returns:
        For the CLS embedding and for the mean patch: numbers of test images classified
        `right`, and their `count`.
    """
    (x_train, y_train), (x_test, y_test) = (
        _probe_data(encoder, easyvqa.load(split)) for split in ("train", "test")
    )
    found = {}
    for features in x_train:
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        classifier.fit(x_train[features], y_train)
        found[features] = {
            "right": int((classifier.predict(x_test[features]) == y_test).sum()),
            "count": len(y_test),
        }
    return found


@torch.inference_mode()
def _probe_data(
    encoder: VisionEncoder, data: easyvqa.EasyVQASplit
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    content = easyvqa.contents(data)
    known = content >= 0
    images = torch.from_numpy(data.images[known]).split(256)
    cls = torch.cat(
        [encoder.model(encoder.prepare(part)).pooler_output for part in images]
    )
    patch = torch.cat([encoder(part).patches.mean(1) for part in images])
    return {"cls": cls.numpy(), "mean_patch": patch.numpy()}, content[known]
