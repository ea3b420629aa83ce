"""The vision encoder of the ladder: the miniature CLIP, trained on pictograms.

    vlmcore ladder encoder --out vlmcore/models/pretrained/checkpoints/clip-flags
    vlmcore ladder probe --out book/results/ladder

It starts from the weights of the miniature encoder of drawn shapes, with larger
patches, and learns from captions that name flags, pictograms and letters
(`vlmcore.data.flags.captions`). Two linear probes say whether its features will do: the
country of a flag of any size, anywhere, and each letter from the patches of its cell.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vlmcore.data.flags.captions import caption_names, captioned_flags
from vlmcore.data.flags.drawing import draw_scene
from vlmcore.data.flags.scenes import alone, scenes
from vlmcore.data.flags.world import World, load_world
from vlmcore.experiments.ladder.plan import VISION
from vlmcore.experiments.pretraining.vision_encoder import pretrain_vision
from vlmcore.models.vision import VisionEncoder
from vlmcore.training.trainer import StageConfig

STAGE = StageConfig(steps=1000, learning_rate=1e-3, batch_size=128, warmup=0.05)
PROBE_IMAGES = {"train": 24, "test": 6}
"""Images of each flag, and scenes of letters for each hundred of theirs."""


def pretrain_encoder(
    folder: Path, stage: StageConfig = STAGE, seed: int = 0, **options: Any
) -> VisionEncoder:
    """Trains the encoder, or resumes; options are those of `trainer.run`."""
    world = load_world()
    return pretrain_vision(
        folder,
        VISION,
        stage,
        seed,
        draw=partial(captioned_flags, world),
        words=caption_names(world),
        start=VisionEncoder.from_pretrained(),
        **options,
    )


def probe(encoder: VisionEncoder, images: dict[str, int]) -> dict[str, dict[str, int]]:
    """Linear classifiers on the frozen encoder, on images that it never saw.

    Args:
        encoder: frozen.
        images: as in `PROBE_IMAGES`.

    Returns:
        For flags, from the CLS embedding and from the mean patch, and for letters, from
        the patches of their cells: how many are `right`, and their `count`.
    """
    world = load_world()
    flags = [_flags(encoder, world, i, n) for i, n in enumerate(images.values())]
    letters = [_letters(encoder, world, i, n) for i, n in enumerate(images.values())]
    found = {}
    for name in flags[0]:
        found[name] = _fit(*(part[name] for part in flags))
    return found | {"letters": _fit(*letters)}


_Labelled = tuple[np.ndarray, np.ndarray]


def _fit(train: _Labelled, test: _Labelled) -> dict[str, int]:
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=400))
    classifier.fit(*train)
    right = classifier.predict(test[0]) == test[1]
    return {"right": int(right.sum()), "count": len(right)}


def _flags(
    encoder: VisionEncoder, world: World, part: int, each: int
) -> dict[str, _Labelled]:
    rng = np.random.default_rng((17, part))
    kept = [country.glyph for country in world.countries if not country.twins]
    label = np.repeat(kept, each)
    drawn = [draw_scene(world, *alone(rng, int(glyph)), rng) for glyph in label]
    cls, patches = _encode(encoder, np.stack(drawn))
    return {"flags_cls": (cls, label), "flags_mean_patch": (patches.mean(1), label)}


def _letters(encoder: VisionEncoder, world: World, part: int, each: int) -> _Labelled:
    split = ("training", "test")[part]
    made = scenes(world, "ocr", 19 + part, 20 * each, world.part("test"), part=split)
    assert made.images is not None
    _, patches = _encode(encoder, made.images)
    side = VISION.side
    grid = patches.reshape(len(patches), side, side, -1)
    row, slot = np.nonzero(made.glyph >= 0)
    cell = (made.centre[row, slot] * 6).astype(int)
    corner = cell * side // 6
    near = [
        grid[row, corner[:, 1] + down, corner[:, 0] + right]
        for down in (0, 1)
        for right in (0, 1)
    ]
    return np.concatenate(near, 1), made.glyph[row, slot]


@torch.inference_mode()
def _encode(
    encoder: VisionEncoder, images: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """CLS embeddings (n, d) and patches of all layers (n, p, l * d)."""
    cls, patches = [], []
    for part in torch.from_numpy(images).split(256):
        cls.append(encoder.model(encoder.prepare(part)).pooler_output)
        patches.append(encoder(part).layers.flatten(2))
    return torch.cat(cls).numpy(), torch.cat(patches).numpy()
