"""A counting bound: a token keeps one of the items that it covers; the rest is guessed.

The bound has no free parameters and does not depend on N. Where it predicts the errors
of a grid, it explains the exponent of V by the number of items in the images.
"""

import numpy as np

from vlmcore.data.synthetic.scenes import Scenes
from vlmcore.data.synthetic.vocabulary import OCR_POSITIONS
from vlmcore.experiments.pretraining.scene_tokens import owners


def one_character_a_token(scenes: Scenes, visual_tokens: int) -> np.ndarray:
    """Probability of a correct answer to each OCR question, at one character a token.

    The token that covers the asked character covers m characters and keeps one of them,
    each with the same probability. If it is another one, the answer is a guess among
    the characters of the page's kind.

    Args:
        scenes: pages with their questions, "read r3c5".
        visual_tokens: V, a square number.

    Returns:
        float (questions,)
    """
    filled = (scenes.descriptions[:, :, 1] >= 0).astype(float)
    home = owners(filled.shape[1], visual_tokens).numpy()
    held = filled @ home.T  # (pages, V): characters that each token covers
    pages = np.array([sample.image for sample in scenes.samples])
    asked = np.array(
        [OCR_POSITIONS.index(sample.question.split()[1]) for sample in scenes.samples]
    )
    chance = 1 / np.array([sample.choices for sample in scenes.samples])
    kept = 1 / held[pages, home.argmax(0)[asked]].clip(min=1)
    return kept + (1 - kept) * chance
