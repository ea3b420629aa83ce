"""The task of the second grid: a mixture of four families, a world for each seed.

One model learns all families and is scored on each. Facts, scenes, images and tests of
two seeds have nothing in common, and neither have those for development.
"""

from functools import partial

from vlmcore.data.synthetic.scenes import Scenes
from vlmcore.experiments.pretraining.long_tail import (
    family_makers,
    pretrain_on_long_tail,
)
from vlmcore.experiments.tasks.synthetic import Family
from vlmcore.experiments.tasks.task import Pretraining, Split

LONG_TAIL_TRAIN, LONG_TAIL_TEST = 6000, 4000
"""Scenes of each family: to train on, with four questions each, and to test on, with
one."""


class LongTail(Family):
    """The mixture, or one of its families."""

    world_per_seed = True
    families = ("knowledge", "composed", "binding", "ocr")
    prefix = "long_tail."

    def scenes(
        self, family: str, split: Split, *, test: bool, draw: bool = True
    ) -> Scenes:
        """The scenes of a family in the split's world."""
        scenes, questions = (LONG_TAIL_TEST, 1) if test else (LONG_TAIL_TRAIN, 4)
        count = split.at_most(scenes)
        world = _world(split)
        make = family_makers(world)[family]
        seed = (*world, 4 if test else 3)
        return make(seed, count=count, questions=questions, scored=test, draw=draw)

    def text_name(self, held_out: bool) -> str:
        """Text about a world of the split; its seed is that of the language model."""
        return f"long tail {_world(Split(held_out))[1]}"

    def pretraining(self, split: Split) -> Pretraining:
        """On the facts and scenes of the split's world."""
        return partial(pretrain_on_long_tail, world=_world(split))


def _world(split: Split) -> tuple[int, ...]:
    """The seed of everything in the world of a split."""
    return split.seed, 1 if split.held_out else 2
