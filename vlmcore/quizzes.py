"""The models that sit the miniature benchmarks: two of our smallest, with one visual token and with four, schooled in the quiz.

    python -m vlmcore.quizzes --visual-tokens 4

trains one (some minutes on two cores; killed, it goes on where it was) and puts its weights where `load` finds them. They come with the
package, because a model that reads eight kinds of prompts takes longer to train than a chapter should.
"""

import argparse
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedTokenizerBase

from vlmcore.config import QueCCConfig, VLMConfig, replace
from vlmcore.data.samples import Sample, tokenize
from vlmcore.data.worlds.quiz import Quiz, quiz
from vlmcore.data.worlds.scenes import WORDS
from vlmcore.language import LanguageModel, word_tokenizer
from vlmcore.loop import StageConfig
from vlmcore.notes import learn_from_notes
from vlmcore.training import TrainingConfig, TrainingData, fit
from vlmcore.vision import CHECKPOINT, FeatureStore, VisionEncoder, check_safetensors
from vlmcore.vlm import VLM

TEXT = StageConfig(steps=2000, learning_rate=3e-3)
TRAINING = TrainingConfig(StageConfig(400, 2e-3, batch_size=32), StageConfig(1600, 1e-3, batch_size=32))
TOLD_SCENES, SEEN_SCENES = 12_000, 3_000
OFTEN = {"mmbench": 3, "scienceqa": 2, "textvqa": 4}
"""How often a question is in the training data, where it is more than once: choosing letters and reading are the hardest to learn."""


def tokenizer() -> PreTrainedTokenizerBase:
    """Knows every word of the quiz, in upper and lower case."""
    texts = {text for sample in quiz((0, 0), 1000, draw=False).samples() for text in (sample.question, sample.answer)}
    return word_tokenizer([*WORDS, *sorted(texts)], lower=False)


def training_samples(of: Quiz) -> list[Sample]:
    """Its questions, the hard ones more than once."""
    return [sample for sample in of.samples() for _ in range(OFTEN.get(sample.kind, 1))]


def train(visual_tokens: int, work: str | Path, text: StageConfig = TEXT, training: TrainingConfig = TRAINING, **options: Any) -> VLM:
    """Trains a model on scenes that are in no benchmark, or goes on.

    Args:
        visual_tokens: V of its compressor, QueCC.
        work: folder for what an interrupted run needs, and for the features.
        text: schooling of the language model, from notes.
        training: the two stages.
        **options: of `loop.run`.
    """
    work, vision = Path(work), VisionEncoder.from_pretrained()
    config = VLMConfig(visual_tokens=visual_tokens, compressor=QueCCConfig())
    school = work / f"language-{text.steps}"
    if not (school / "model.safetensors").exists():
        told = quiz((training.seed, 1), TOLD_SCENES, draw=False)
        language = learn_from_notes(
            work / f"{school.name}.training",
            config.language,
            text,
            tokenizer(),
            training_samples(told),
            told.notes,
            training.seed,
            **options,
        )
        language.save_pretrained(school)
    language = LanguageModel.from_pretrained(school)
    seen = quiz((training.seed, 2), SEEN_SCENES)
    torch.manual_seed(training.seed)
    vlm = VLM.from_parts(config, vision, language)
    data = TrainingData(tokenize(training_samples(seen), language.tokenizer, config.order), FeatureStore(vision, seen.images, work))
    return fit(vlm, data, training, work / f"v{visual_tokens}-{training.align.steps}-{training.tune.steps}", **options)


def weights(visual_tokens: int) -> Path:
    """Where the weights of a trained model lie."""
    return CHECKPOINT.parent / f"quiz-v{visual_tokens}.safetensors"


@cache
def load(visual_tokens: int = 4) -> VLM:
    """A trained model.

    Raises:
        FileNotFoundError: there are no weights for this V.
    """
    path = weights(visual_tokens)
    if not path.exists():
        there = sorted(int(p.stem.removeprefix("quiz-v")) for p in CHECKPOINT.parent.glob("quiz-v*.safetensors"))
        raise FileNotFoundError(f"there are no weights for V = {visual_tokens}, only for {there}; train with python -m vlmcore.quizzes")
    check_safetensors(path)
    words = tokenizer()
    config = VLMConfig(visual_tokens=visual_tokens, compressor=QueCCConfig())
    language = LanguageModel.from_config(replace(config.language, vocab_size=len(words)), words)
    vlm = VLM.from_parts(config, VisionEncoder.from_pretrained(), language)
    missing, unexpected = vlm.load_state_dict(load_file(path), strict=False)
    assert not unexpected and all(name.startswith("vision.") or "lm_head" in name for name in missing), (missing, unexpected)
    return vlm.eval()


def save(vlm: VLM, path: str | Path) -> None:
    """Writes the trained parts of a model, the compressor and the language model."""
    trained = {name: x.detach().contiguous() for name, x in vlm.named_parameters() if not name.startswith("vision.")}
    save_file(trained, path)


def main() -> None:
    """Trains a model and puts its weights into the package."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--visual-tokens", type=int, default=4)
    parser.add_argument("--work", type=Path, default=Path("_build") / "quizzes")
    arguments = parser.parse_args()
    vlm = train(arguments.visual_tokens, arguments.work, progress=False, accelerator="cpu")
    save(vlm, weights(arguments.visual_tokens))


if __name__ == "__main__":
    main()
