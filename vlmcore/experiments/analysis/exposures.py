"""How often text pre-training states each fact, and after how often it is known.

Facts are scored in the family *knowledge*. Its errors can come from a model that is too
small for the facts, or from a pre-training that stated them too rarely; the two look
alike until the exposures are counted. They follow from the seed of the pre-training.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression

from vlmcore.data.samples import rows_of_step
from vlmcore.data.synthetic.icons import VALUES, Facts
from vlmcore.data.synthetic.scenes import Scenes
from vlmcore.data.synthetic.task_families import knowledge
from vlmcore.data.synthetic.vocabulary import CONTENT_WORDS, SCENE_WORDS
from vlmcore.experiments.pretraining.curriculum import (
    CURRICULUM_QUESTIONS,
    CURRICULUM_SCENES,
    CURRICULUM_TURNS,
)
from vlmcore.training.trainer import StageConfig

_FAMILY = "knowledge"
_FIRST_ICON = SCENE_WORDS.index(CONTENT_WORDS[0][0])


def bits_of_facts(known: Facts) -> float:
    """The bits that all facts of a world hold together: 5 for each."""
    return known.values.size * np.log2(len(VALUES))


def exposures(known: Facts, stage: StageConfig, seed: int) -> np.ndarray:
    """How often the texts about single icons state each fact.

    *Reasoning* states facts, too, of an icon that is named by its colour; those are not
    counted.

    Args:
        known: the facts of the world.
        stage: steps and batch of the text pre-training.
        seed: of the text pre-training.

    Returns:
        int (icons, relations)
    """
    count, questions = CURRICULUM_SCENES, CURRICULUM_QUESTIONS[_FAMILY]
    scenes = knowledge((seed, 1), count, known, questions=questions, draw=False)
    shown = np.zeros(count, int)
    for step in range(stage.steps):
        turn, place = divmod(step, len(CURRICULUM_TURNS))
        if CURRICULUM_TURNS[place] == _FAMILY:
            rows = rows_of_step(count, stage.batch_size, (seed, place), turn)
            shown[rows.numpy()] += 1
    found = np.zeros(known.values.shape, int)
    image = [sample.image for sample in scenes.samples]
    np.add.at(found, facts_asked(scenes, known), shown[image])
    return found


def facts_asked(scenes: Scenes, known: Facts) -> tuple[np.ndarray, np.ndarray]:
    """The icon and the relation of each question of *knowledge*, int (questions,)."""
    words = scenes.descriptions[:, :, scenes.position_words].max(1)
    number = {name: i for i, name in enumerate(known.relations)}
    relation = np.array([number[sample.question] for sample in scenes.samples])
    return words[[sample.image for sample in scenes.samples]] - _FIRST_ICON, relation


def exposures_until_known(exposed: np.ndarray, wrong: np.ndarray) -> float:
    """After how many exposures half of the facts are known.

    Args:
        exposed: int (n,), exposures of the fact that each question asks for.
        wrong: (n,), 1 for a wrong answer.

    Returns:
        The point at which a logistic regression on log exposures gives one half.

    Raises:
        ValueError: all answers are right, or all are wrong.
    """
    if len(answers := np.unique(wrong)) < 2:
        raise ValueError(
            f"all {len(wrong)} answers are {'wrong' if answers[0] else 'right'}, so no "
            "number of exposures divides them; take another size"
        )
    log = np.log(np.maximum(exposed, 1))[:, None]
    fit = LogisticRegression(C=np.inf).fit(log, np.asarray(wrong) > 0)
    return float(np.exp(-fit.intercept_[0] / fit.coef_[0, 0]))
