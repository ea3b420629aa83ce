"""How the frozen parts of the miniatures came to be, from seeded procedural data and nothing else.

The vision encoder is the image tower of a small CLIP (arXiv 2103.00020): transformers'
own `CLIPModel`, trained with its contrastive loss on drawn images and captions
(`vlmcore.data.synthetic.captioned_shapes`), never on an image of a benchmark. The
checkpoint in the package was made by

    vlmcore encoder train --out vlmcore/models/pretrained/checkpoints/clip-mini

in about 20 minutes on two cores (it can be killed and goes on where it was), and is
probed by

    vlmcore encoder probe --out book/results/encoder
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig

from vlmcore.config import LanguageConfig, VisionConfig, replace
from vlmcore.data import easyvqa
from vlmcore.data.samples import Batch, Sample, rows_of_step, tokenize
from vlmcore.data.synthetic.captioned_shapes import CAPTION_WORDS, captioned_shapes
from vlmcore.models.language import LanguageModel, word_tokenizer
from vlmcore.models.vision import VisionEncoder, clip_config
from vlmcore.training.data import StepData
from vlmcore.training.module import Stage
from vlmcore.training.trainer import StageConfig, run

MINI_CLIP = VisionConfig()
CONTRASTIVE = StageConfig(steps=1200, learning_rate=1.5e-3, batch_size=256, warmup=0.06)


def pretrain_vision(
    folder: str | Path,
    config: VisionConfig = MINI_CLIP,
    stage: StageConfig = CONTRASTIVE,
    seed: int = 0,
    **options: Any,
) -> VisionEncoder:
    """Trains a small CLIP on captioned shapes and keeps its image tower.

    Args:
        folder: for logs and the checkpoint of an interrupted run.
        config: sizes of the image tower; the text tower has two layers of the same
            width.
        stage: steps, batch and learning rate.
        seed: of weights and world.
        **options: of `loop.run`.
    """
    torch.manual_seed(seed)
    tokenizer = word_tokenizer(CAPTION_WORDS)
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
    clip = CLIPModel(
        CLIPConfig(
            text_config=text,
            vision_config=clip_config(config),
            projection_dim=config.width,
        )
    )
    encoder = VisionEncoder(clip.vision_model, config.layers, (0.5,) * 3, (0.5,) * 3)
    clip.requires_grad_(True)

    def make(step: int) -> tuple[Tensor, Tensor]:
        images, captions = captioned_shapes(seed, step, stage.batch_size)
        tokens = tokenizer(
            [caption + tokenizer.eos_token for caption in captions],
            padding=True,
            return_tensors="pt",
            add_special_tokens=False,
        )
        return torch.from_numpy(images), tokens["input_ids"]

    def loss(clip: CLIPModel, batch: tuple[Tensor, Tensor]) -> Tensor:
        images, captions = batch
        return clip(
            pixel_values=encoder.prepare(images), input_ids=captions, return_loss=True
        ).loss

    module = Stage(clip, loss, stage, seed)
    run(module, StepData(make), stage.steps, folder, **options)
    return encoder.cpu().eval().requires_grad_(False)


def linear_probe(encoder: VisionEncoder) -> dict[str, dict[str, int]]:
    """How well a linear classifier names what easy-VQA's test images show, one of 24 contents, from the frozen encoder.

    The classifier is trained on the training images. Images whose questions do not
    settle their content are left out.

    Returns:
        For the CLS embedding and for the mean patch: numbers of test images that were
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
    encoder: VisionEncoder, data: easyvqa.EasyVQA
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    content = easyvqa.contents(data)
    known = content >= 0
    images = torch.from_numpy(data.images[known]).split(256)
    cls = torch.cat(
        [encoder.model(encoder.prepare(part)).pooler_output for part in images]
    )
    patch = torch.cat([encoder(part).patches.mean(1) for part in images])
    return {"cls": cls.numpy(), "mean_patch": patch.numpy()}, content[known]


def pretrain_language(
    folder: str | Path,
    config: LanguageConfig,
    samples: Sequence[Sample],
    stage: StageConfig,
    seed: int = 0,
    **options: Any,
) -> LanguageModel:
    """Trains a language model from nothing on texts, each a question with its answer; every word is predicted from those before it.

    Args:
        folder: for logs and the checkpoint of an interrupted run.
        config: sizes; the vocabulary grows or shrinks to the words of the texts.
        samples: the texts.
        stage: steps, batch and learning rate.
        seed: of weights and order.
        **options: of `loop.run`.
    """
    torch.manual_seed(seed)
    tokenizer = word_tokenizer(
        word for sample in samples for word in (sample.question, sample.answer)
    )
    model = LanguageModel.from_config(
        replace(config, vocab_size=len(tokenizer)), tokenizer
    )
    tokens = tokenize(samples, tokenizer, "image_first")

    def loss(language: LanguageModel, batch: Batch) -> Tensor:
        hidden = language(language.embed(batch.text))[:, :-1]
        said = (
            torch.arange(1, batch.text.shape[1], device=hidden.device)
            < batch.length[:, None]
        )
        return F.cross_entropy(language.logits(hidden[said]), batch.text[:, 1:][said])

    def make(step: int) -> Batch:
        return tokens.batch(rows_of_step(len(samples), stage.batch_size, (seed,), step))

    module = Stage(model, loss, stage, seed)
    run(module, StepData(make), stage.steps, folder, **options)
    return model.cpu().eval()
