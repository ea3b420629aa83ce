"""Tasks on drawn scenes: the comparison's two worlds and the grid's three families."""

from collections.abc import Callable
from functools import partial

from vlmcore.data.synthetic import task_families
from vlmcore.data.synthetic.icons import facts
from vlmcore.data.synthetic.letters_and_shapes import WORLDS
from vlmcore.data.synthetic.scenes import Scenes
from vlmcore.evaluation.short_answers import first_tokens, score_answers
from vlmcore.experiments import FAMILIES
from vlmcore.experiments.pretraining.curriculum import (
    CURRICULUM_TOKENS,
    answers_from_scene_tokens,
    pretrain_on_curriculum,
    tokenize_contents,
    tokenize_scenes,
)
from vlmcore.experiments.pretraining.embedding_targets import SceneTargets
from vlmcore.experiments.pretraining.scene_tokens import pretrain_on_scene_tokens
from vlmcore.experiments.tasks.task import (
    Pretraining,
    Split,
    Task,
    TaskData,
    TextScores,
)
from vlmcore.models.language import LanguageModel

TRAIN_SCENES, QUESTIONS, TEST_SCENES = 6000, 4, 2000
"""Training scenes of a synthetic task, questions about each, and test scenes with one
question each."""
FAMILY_TEST_SCENES = 6000
"""Test scenes of a family: a thousand for each of six kinds of questions or lengths."""
_SEEDS = {False: (1, 2), True: (3, 4)}
"""Seeds of training and test scenes, reported (False) and held out (True)."""


class World(Task):
    """A world of the compressor comparison: *letters* or *attribute*."""

    def __init__(self, name: str) -> None:
        self.name = name

    def load(self, split: Split) -> TaskData:
        """Scenes drawn from the seeds of the split."""
        draw, (train_seed, test_seed) = WORLDS[self.name], _SEEDS[split.held_out]
        train = draw(train_seed, split.at_most(TRAIN_SCENES), questions=QUESTIONS)
        test = draw(test_seed, split.at_most(TEST_SCENES))
        return TaskData(train.samples, test.samples, train.drawn(), test.drawn())

    def text_name(self, held_out: bool) -> str:
        """Scene tokens of both worlds, the same for reported and held-out data."""
        return "scene tokens"

    def pretraining(self, split: Split) -> Pretraining:
        """On scene tokens and questions of both worlds."""
        return pretrain_on_scene_tokens


class Family(Task):
    """A family of the grid, or the mixture of all; all share their language models.

    Args:
        name: of the task.
        family: of which it has the data; None for a mixture.
    """

    embedding_targets = True
    answer = staticmethod(first_tokens)
    families: tuple[str, ...] = FAMILIES
    prefix = ""
    """Before the name of a family in that of its task."""

    def __init__(self, name: str, family: str | None) -> None:
        self.name, self.family = name, family

    @classmethod
    def all(cls, mixture: str) -> tuple[Task, ...]:
        """The task of each family, and the mixture."""
        return (
            *(cls(cls.prefix + name, name) for name in cls.families),
            cls(mixture, None),
        )

    @property
    def parts(self) -> tuple[Task, ...]:
        """Itself, or the families of a mixture."""
        return (self,) if self.family is not None else self.all(self.name)[:-1]

    def scenes(
        self, family: str, split: Split, *, test: bool, draw: bool = True
    ) -> Scenes:
        """The scenes of a family to train on or to test on, with images if wanted."""
        return family_scenes(
            family, split.held_out, test=test, draw=draw, images=split.images
        )

    def load(self, split: Split) -> TaskData:
        """The scenes of a family; those of a mixture are loaded one by one."""
        if self.family is None:
            parts = ", ".join(part.name for part in self.parts)
            raise ValueError(f"the task {self.name!r} is several tasks; load {parts}")
        train, test = (self.scenes(self.family, split, test=t) for t in (False, True))
        return TaskData(train.samples, test.samples, train.drawn(), test.drawn(), train)

    def text_name(self, held_out: bool) -> str:
        """The curriculum, with the facts that hold in the split's world."""
        return f"curriculum-{world_seed(held_out)}"

    def pretraining(self, split: Split) -> Pretraining:
        """On the curriculum."""
        return partial(pretrain_on_curriculum, world=world_seed(split.held_out))

    def targets(
        self, data: TaskData, language: LanguageModel, side: int
    ) -> SceneTargets:
        """The words for every position of the training scenes."""
        assert data.train_scenes is not None
        words = tokenize_scenes(data.train_scenes, language.tokenizer)
        contents = tokenize_contents(language.tokenizer)
        return SceneTargets(words, data.train_scenes.position_words, contents)

    def text_scores(self, language: LanguageModel, split: Split) -> TextScores:
        """Scores of all families from scene tokens."""
        scores: TextScores = {}
        for family in self.families:
            scenes = self.scenes(family, split, test=True, draw=False)
            scores[family] = {
                str(count): score_answers(
                    answers_from_scene_tokens(language, scenes, count), scenes.samples
                )
                for count in CURRICULUM_TOKENS
            }
        return scores


def world_seed(held_out: bool) -> int:
    """The seed of the facts of a family's world; held-out data have other facts."""
    return _SEEDS[held_out][0]


def family_scenes(
    name: str,
    held_out: bool = False,
    *,
    test: bool,
    draw: bool = True,
    images: int | None = None,
) -> Scenes:
    """The scenes of a family: four questions about each to train on, or one to test.

    Args:
        name: of a family.
        held_out: as for `load_task`.
        test: whether those to test on; they ask other facts and show other
            handwriting.
        draw: whether images are wanted.
        images: at most so many scenes; None for all.
    """
    seed = _SEEDS[held_out][test]
    all_scenes, questions = (
        (FAMILY_TEST_SCENES, 1) if test else (TRAIN_SCENES, QUESTIONS)
    )
    count = Split(images=images).at_most(all_scenes)
    make: dict[str, Callable[..., Scenes]] = {
        "knowledge": task_families.knowledge,
        "reasoning": task_families.reasoning,
        "ocr": task_families.ocr,
    }
    known = () if name == "ocr" else (facts(world_seed(held_out)),)
    return make[name](seed, count, *known, questions=questions, scored=test, draw=draw)
