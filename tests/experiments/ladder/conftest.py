"""A tiny language model that knows every word of the world of flags; a tiny plan."""

import pytest
import torch
from tokenizers.normalizers import Replace

from vlmcore.config import LanguageConfig, VisionConfig
from vlmcore.data.flags.drawing import ALPHABET
from vlmcore.data.flags.scenes import FAMILIES, NUMBERS, QUADRANTS, QUESTIONS
from vlmcore.data.flags.world import load_world
from vlmcore.experiments.ladder import letter_probe, plan, shared
from vlmcore.experiments.ladder.plan import Pretrained
from vlmcore.experiments.ladder.prompts import CUES
from vlmcore.models.language import LanguageModel, word_tokenizer
from vlmcore.models.vision import VisionEncoder
from vlmcore.training.trainer import StageConfig

FEW = dict.fromkeys(FAMILIES, 8)
TINY = VisionConfig(24, 2, 8, 2, 2, 16, (1,))
KEY = "smollm2_135m"


@pytest.fixture(scope="session")
def language():
    """Has a token for each word, and one for the end of a line."""
    torch.manual_seed(0)
    world = load_world()
    facts = [a for c in world.countries for each in c.facts.values() for a in each]
    texts = [*world.names, *ALPHABET, *NUMBERS, *QUADRANTS, *QUESTIONS.values(), *facts]
    texts += [word for words in CUES.values() for word in words]
    tokenizer = word_tokenizer([*texts, "yes no nl :"], lower=False)
    tokenizer.backend_tokenizer.normalizer = Replace("\n", " nl ")
    sizes = LanguageConfig(len(tokenizer), 16, 1, 2, mlp_width=16)
    return LanguageModel.from_config(sizes, tokenizer).eval().requires_grad_(False)


@pytest.fixture
def tiny(language, tmp_path, monkeypatch):
    """A plan whose models, scenes and steps are few and small."""
    sizes = LanguageConfig(language.config.vocab_size, 16, 1, 2, mlp_width=16)
    monkeypatch.setattr(plan, "MODELS", {KEY: Pretrained("tiny", sizes)})
    monkeypatch.setattr(plan, "VISION", TINY)
    for name in ("STAGE", "LONGER"):
        monkeypatch.setattr(plan, name, StageConfig(3, 1e-3, 4))
    monkeypatch.setattr(letter_probe, "STAGE", StageConfig(2, 1e-3, 4))
    for name in ("TRAIN_SCENES", "TEST_QUESTIONS", "DEVELOPMENT_QUESTIONS"):
        monkeypatch.setattr(plan, name, FEW)
    monkeypatch.setattr(shared, "load_language", lambda key, *_: language)
    monkeypatch.setattr(shared, "ENCODER", tmp_path / "encoder")
    VisionEncoder.from_config(TINY).save_pretrained(tmp_path / "encoder")
    shared.family_scenes.cache_clear()
    yield tmp_path
    shared.family_scenes.cache_clear()
