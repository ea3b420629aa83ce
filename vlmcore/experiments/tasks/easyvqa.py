"""Tasks on the images of easy-VQA: its own questions, and facts about words."""

from functools import partial

from vlmcore.data import easyvqa, easyvqa_facts
from vlmcore.experiments.pretraining.easyvqa_targets import shape_targets
from vlmcore.experiments.pretraining.embedding_targets import SceneTargets
from vlmcore.experiments.pretraining.questions import pretrain_on_questions
from vlmcore.experiments.tasks.task import Pretraining, Split, Task, TaskData
from vlmcore.models.language import LanguageModel


class EasyVQA(Task):
    """easy-VQA with its official split; held out is a tenth of the training images."""

    name = "easyvqa"

    def load(self, split: Split) -> TaskData:
        """The official split, or the training images split nine to one."""
        train = easyvqa.load("train", split.images)
        if not split.held_out:
            test = easyvqa.load("test", split.images)
            return TaskData(train.samples, test.samples, train.images, test.images)
        last = len(train.images) * 9 // 10
        return TaskData(
            [sample for sample in train.samples if sample.image < last],
            [sample for sample in train.samples if sample.image >= last],
            train.images,
            train.images,
        )

    def text_name(self, held_out: bool) -> str:
        """The questions of the training split with their answers."""
        return "questions"

    def pretraining(self, split: Split) -> Pretraining:
        """On questions about described shapes."""
        questions = sorted({s.question for s in easyvqa.load("train").samples})
        return partial(pretrain_on_questions, samples=easyvqa.training_text(questions))

    def targets(
        self, data: TaskData, language: LanguageModel, side: int
    ) -> SceneTargets:
        """Colour and shape at the position of each object's centre."""
        described = easyvqa.load("train", len(data.train_images))
        return shape_targets(described, language, side)


class WordFacts(Task):
    """Facts about the words for what easy-VQA's images show."""

    name = "word_facts"
    targets = EasyVQA.targets

    def load(self, split: Split) -> TaskData:
        """Trained facts about training images, held-out facts about test images."""
        train = easyvqa.load("train", split.images)
        test = easyvqa.load("train" if split.held_out else "test", split.images)
        last = len(train.images) * 9 // 10 if split.held_out else len(train.images)
        first = last if split.held_out else 0
        return TaskData(
            [s for s in easyvqa_facts.train_samples(train) if s.image < last],
            [s for s in easyvqa_facts.test_samples(test) if s.image >= first],
            train.images,
            test.images,
        )

    def text_name(self, held_out: bool) -> str:
        """The trained facts about described shapes."""
        return "word facts"

    def pretraining(self, split: Split) -> Pretraining:
        """On the trained facts."""
        return partial(pretrain_on_questions, samples=easyvqa_facts.fact_text())
