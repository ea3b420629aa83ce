"""A rule without free parameters: a token keeps one of the things that it covers, and the rest is guessed.

Where it predicts the errors of a grid it stands beside the law, and says what the law's
exponent is made of: of how much there is in the images. It knows nothing of N, and has
nothing to fit.
"""

import numpy as np

from vlmcore.data.synthetic.scenes import Scenes
from vlmcore.data.synthetic.vocabulary import OCR_POSITIONS
from vlmcore.experiments.pretraining.scene_tokens import owners


def one_character_a_token(scenes: Scenes, visual_tokens: int) -> np.ndarray:
    """How likely each question of *reading* is answered rightly by a model whose tokens keep one character each.

    The token at whose home the asked character is holds m characters and keeps one of
    them, any with the same chance. If it is another one, the answer is a guess among
    the characters of the page's kind.

    Args:
        scenes: pages with their questions, "read r3c5".
        visual_tokens: V, a square number.

    Returns:
        float (questions,)
    """
    filled = (scenes.descriptions[:, :, 1] >= 0).astype(float)
    home = owners(filled.shape[1], visual_tokens).numpy()
    held = filled @ home.T  # (pages, V): characters at home in each token
    pages = np.array([sample.image for sample in scenes.samples])
    asked = np.array(
        [OCR_POSITIONS.index(sample.question.split()[1]) for sample in scenes.samples]
    )
    chance = 1 / np.array([sample.choices for sample in scenes.samples])
    kept = 1 / held[pages, home.argmax(0)[asked]].clip(min=1)
    return kept + (1 - kept) * chance
