"""Assignment A2, *build QueCC*: the data on which the module is trained."""

import numpy as np

from vlmcore.course.variants import variant

SIDE, WIDTH, QUESTION_WIDTH, COLOURS = 4, 16, 8, 4
"""Patches a side, their width, the question's width, and answers."""


def own_sizes(student: str) -> dict[str, int]:
    """Returns the sizes of a student's module: d, e, k and heads."""
    rng = variant("a2", student, "sizes")
    heads = int(rng.choice([2, 4]))
    return {
        "d": heads * int(rng.choice([4, 8])),
        "e": int(rng.choice([12, 20, 24])),
        "k": int(rng.choice([2, 3])),
        "heads": heads,
    }


def coloured_images(
    rng: np.random.Generator, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws images with a colour in each quadrant, and questions about one quadrant.

    Returns:
        Patches (count, 16, 16), questions (count, 8) and the colours asked for (count).
    """
    colours = rng.integers(COLOURS, size=(count, 4))
    place = np.arange(SIDE * SIDE)
    quadrant = 2 * (place // SIDE // 2) + place % SIDE // 2
    patches = rng.normal(0, 0.3, (count, SIDE * SIDE, WIDTH))
    asked = rng.integers(4, size=count)
    for i in range(COLOURS):
        patches[..., i] += 2.0 * (colours[:, quadrant] == i)
    for i in range(4):
        patches[..., COLOURS + i] += 2.0 * (quadrant == i)
    questions = rng.normal(0, 0.1, (count, QUESTION_WIDTH))
    questions[np.arange(count), asked] += 2.0
    target = colours[np.arange(count), asked]
    return patches.astype("float32"), questions.astype("float32"), target
