"""The model that is evaluated on the miniature benchmarks, after each training stage.

    vlmcore benchmark-model --out vlmcore/models/pretrained/checkpoints

trains one of our smallest models with four visual tokens (a few minutes on two idle
cores; an interrupted run resumes) and puts its weights where `load_model` finds them.
They come with the package, because a model that reads eight kinds of prompts takes
longer to train than a chapter should.
"""

from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedTokenizerBase

from vlmcore.config import QueCCConfig, StageName, VLMConfig, replace
from vlmcore.data.samples import tokenize
from vlmcore.data.synthetic.benchmark_questions import benchmark_scenes
from vlmcore.data.synthetic.letters_and_shapes import DESCRIPTION_WORDS
from vlmcore.experiments.pretraining.scene_tokens import pretrain_on_scenes
from vlmcore.files import beside
from vlmcore.fingerprint import fingerprint
from vlmcore.folders import settle
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.language import LanguageModel, word_tokenizer
from vlmcore.models.pretrained.checks import check_safetensors
from vlmcore.models.vision import CHECKPOINT, VisionEncoder
from vlmcore.models.vlm import VLM
from vlmcore.training import TrainingConfig, TrainingData, fit
from vlmcore.training.trainer import StageConfig

MODEL = VLMConfig(visual_tokens=4, compressor=QueCCConfig())
TEXT = StageConfig(steps=900, learning_rate=3e-3)
TRAINING = TrainingConfig(
    StageConfig(400, 2e-3, batch_size=32), StageConfig(700, 1e-3, batch_size=32)
)
BENCHMARK_TEXTS, BENCHMARK_IMAGES = 6_000, 3_000
"""Scenes for text pre-training and for training with images."""


def tokenizer() -> PreTrainedTokenizerBase:
    """A tokenizer for every word of the benchmarks, in upper and lower case."""
    texts = {
        text
        for sample in benchmark_scenes((0, 0), 1000, draw=False).samples()
        for text in (sample.question, sample.answer)
    }
    return word_tokenizer([*DESCRIPTION_WORDS, *sorted(texts)], lower=False)


def train_model(
    work: str | Path,
    text: StageConfig = TEXT,
    training: TrainingConfig = TRAINING,
    **options: Any,
) -> VLM:
    """Trains the model on scenes that are in no benchmark, or resumes.

    Args:
        work: folder for what an interrupted run needs, and for the features.
        text: pre-training of the language model on scene tokens.
        training: the two stages.
        **options: of `trainer.run`.
    """
    work, vision = Path(work), VisionEncoder.from_pretrained()
    mark = fingerprint(MODEL, text, training.seed, BENCHMARK_TEXTS)
    folder = work / f"language-{mark}"
    if not (settle(folder) / "model.safetensors").exists():
        scenes = benchmark_scenes((training.seed, 1), BENCHMARK_TEXTS, draw=False)
        language = pretrain_on_scenes(
            work / f"{folder.name}.training",
            MODEL.language,
            text,
            tokenizer(),
            scenes.samples(),
            scenes.descriptions,
            training.seed,
            **options,
        )
        language.save_pretrained(folder)
    language = LanguageModel.from_pretrained(folder)
    scenes = benchmark_scenes((training.seed, 2), BENCHMARK_IMAGES)
    torch.manual_seed(training.seed)
    vlm = VLM.from_parts(MODEL, vision, language)
    data = TrainingData(
        tokenize(scenes.samples(), language.tokenizer, MODEL.order),
        FeatureStore(vision, scenes.images, work),
    )
    return fit(vlm, data, training, work / f"vlm-{mark}", **options)


def weights(stage: StageName) -> Path:
    """The file of the weights after a stage."""
    return CHECKPOINT.parent / f"benchmark-model-{stage}.safetensors"


@cache
def load_model(stage: StageName = "tune") -> VLM:
    """The model after its last stage, or after the first (`align`).

    Raises:
        FileNotFoundError: there are no such weights.
        ValueError: they are damaged.
    """
    path = weights(stage)
    if not path.exists():
        raise FileNotFoundError(
            f"there is no {path}; the stages are align and tune, and "
            "`vlmcore benchmark-model` makes the weights"
        )
    check_safetensors(path)
    words = tokenizer()
    language = LanguageModel.from_config(
        replace(MODEL.language, vocab_size=len(words)), words
    )
    vlm = VLM.from_parts(MODEL, VisionEncoder.from_pretrained(), language)
    vlm.load_state_dict(load_file(path), strict=False)  # the encoder has its own file
    return vlm.eval()


def save(vlm: VLM, path: str | Path) -> None:
    """Writes the trained parts of a model, the compressor and the language model."""
    trained = {
        name: x.detach().contiguous()
        for name, x in vlm.named_parameters()
        if not name.startswith("vision.")
    }
    with beside(path) as partial:
        save_file(trained, partial)


def make_weights(work: Path, out: Path) -> None:
    """Trains the model and writes its weights after each stage.

    Args:
        work: as for `train_model`.
        out: folder of the weights; `load_model` finds them in the package.
    """
    options: dict[str, Any] = {"progress": False, "accelerator": "cpu"}
    aligned = replace(TRAINING, tune=replace(TRAINING.tune, steps=0))
    save(train_model(work, training=aligned, **options), out / weights("align").name)
    save(train_model(work, **options), out / weights("tune").name)
