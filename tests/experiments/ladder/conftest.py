"""A tiny language model that knows every word of the world of flags."""

import pytest
import torch
from tokenizers.normalizers import Replace

from vlmcore.config import LanguageConfig
from vlmcore.data.flags.drawing import ALPHABET
from vlmcore.data.flags.scenes import NUMBERS, QUADRANTS, QUESTIONS
from vlmcore.data.flags.world import load_world
from vlmcore.experiments.ladder.prompts import CUES
from vlmcore.models.language import LanguageModel, word_tokenizer


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
