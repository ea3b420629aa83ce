"""Scenes: images with questions, and a description in words of what each cell holds.

Every description follows from the same random numbers as the image. A miniature
language model is pre-trained on the descriptions, before it sees an image.
"""

from typing import NamedTuple

import numpy as np

from vlmcore.data.samples import Sample


class Scenes(NamedTuple):
    """Scenes with their questions."""

    samples: list[Sample]
    descriptions: np.ndarray
    """int (n, cells, words): for each cell the words that name its position, then those
    for the object in it, as numbers of the world's words; -1 for none."""
    images: np.ndarray | None
    """uint8 (n, 3, 72, 72), or None for scenes that are only described."""
    position_words: int = 0
    """How many of a cell's first words name its position. Where one embedding stands
    for several cells, these are averaged and the others are summed."""

    def drawn(self) -> np.ndarray:
        """Returns the images.

        Raises:
            ValueError: the scenes are only described.
        """
        if self.images is None:
            raise ValueError(
                f"these {len(self.descriptions)} scenes have no images; make them "
                "with draw=True"
            )
        return self.images


def position_names(grid: int) -> tuple[str, ...]:
    """Returns the names of a grid's cells, row by row: `r1c1`, `r1c2` and so on."""
    sides = range(1, grid + 1)
    return tuple(f"r{row}c{column}" for row in sides for column in sides)


def count_kind(number: int, name: str) -> str:
    """Returns the kind of a question about a scene of so many objects: `2 letters`."""
    return f"{number} {name}{'s' if number > 1 else ''}"


def describe_cells(
    positions: np.ndarray, cell: np.ndarray, words: np.ndarray, exists: np.ndarray
) -> np.ndarray:
    """Describes objects in the cells of a grid.

    Args:
        positions: int (cells, p), the words that name each cell.
        cell: int (n, m), the cell of each object.
        words: int (n, m, w), the words for each object.
        exists: bool (n, m), whether the object exists.

    Returns:
        int (n, cells, p + w), as in `Scenes.descriptions`
    """
    cells, named = positions.shape
    descriptions = np.full((len(cell), cells, named + words.shape[-1]), -1)
    descriptions[:, :, :named] = positions
    scene, slot = np.nonzero(exists)
    descriptions[scene, cell[scene, slot], named:] = words[scene, slot]
    return descriptions
