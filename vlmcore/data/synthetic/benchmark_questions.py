"""The questions of eight benchmarks about synthetic scenes.

They let every metric be computed for a model that is trained on a laptop. Each
benchmark keeps what is its own: POPE's absent objects, at three degrees of
plausibility; MME's two questions an image; MMBench's options in every rotation;
VizWiz's unanswerable questions; ten human answers that do not quite agree. TextVQA asks
about scenes with letters, the others about scenes with shapes. Everything is a pure
function of the seed.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

import numpy as np

from vlmcore.data.benchmarks.question import (
    ANNOTATORS,
    OPTION_LETTERS,
    UNANSWERABLE_HINT,
    choice_prompt,
    short_prompt,
)
from vlmcore.data.samples import Sample
from vlmcore.data.synthetic import letters_and_shapes
from vlmcore.data.synthetic.drawing import COLOUR_NAMES, SHAPES, Seed
from vlmcore.data.synthetic.letters_and_shapes import DESCRIPTION_WORDS, attribute
from vlmcore.data.synthetic.scenes import Scenes

_NUMBERS = {2: "two", 3: "three"}


class BenchmarkQuestion(NamedTuple):
    """A question as a benchmark's file has it."""

    image: int | None
    """Row of the image among those of its world; None for a question about text."""
    question: str
    answer: str
    """The right answer, or the text of the right option."""
    kind: str
    human_answers: tuple[str, ...] = ()
    """The answers of ten annotators."""
    options: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    @property
    def prompt(self) -> str:
        """The text that a model reads."""
        if self.options:
            return choice_prompt(self.question, self.options)
        return short_prompt(self.question, *self.hints)

    @property
    def target(self) -> str:
        """The text that a model should generate: the answer, or its option's letter."""
        if self.options:
            return OPTION_LETTERS[self.options.index(self.answer)]
        return self.answer.lower()


class BenchmarkScenes(NamedTuple):
    """Scenes with shapes and with letters, and the benchmarks' questions about them."""

    shapes: Scenes
    letters: Scenes
    questions: dict[str, list[BenchmarkQuestion]]

    @property
    def images(self) -> np.ndarray:
        """uint8 (n, 3, 72, 72): the scenes with shapes, then those with letters."""
        return np.concatenate([self.shapes.drawn(), self.letters.drawn()])

    @property
    def descriptions(self) -> np.ndarray:
        """Descriptions of all scenes, int (n, 16, 3), in the order of `images`."""
        return np.concatenate([self.shapes.descriptions, self.letters.descriptions])

    def samples(self) -> list[Sample]:
        """Returns every question as a sample to train on.

        The image of a sample is a row of `images`. A question about text is asked about
        the first image, and every second question about letters has no hints from a
        text reader.
        """
        samples = []
        for name, questions in self.questions.items():
            first = len(self.shapes.descriptions) if name == "textvqa" else 0
            for i, question in enumerate(questions):
                if name == "textvqa" and i % 2 == 0:
                    question = question._replace(hints=())
                row, choices = first + (question.image or 0), len(question.options) or 2
                samples.append(
                    Sample(row, question.prompt, question.target, name, choices)
                )
        return samples


class _Shape(NamedTuple):
    colour: str
    shape: str


_Shapes = list[_Shape]
_Questions = list[BenchmarkQuestion]
_Ask = Callable[[Random, int, _Shapes], _Questions]


def benchmark_scenes(
    seed: Seed, scenes: int, letters: int | None = None, *, draw: bool = True
) -> BenchmarkScenes:
    """Draws scenes and asks each benchmark's questions about them.

    Args:
        seed: of the world; different seeds share no image.
        scenes: with shapes.
        letters: scenes with letters; a quarter as many if None.
        draw: whether images are wanted.
    """
    seed = seed if isinstance(seed, tuple) else (seed,)
    shapes = attribute(seed, scenes, draw=draw)
    count = scenes // 4 if letters is None else letters
    signs = letters_and_shapes.letters(seed, count, draw=draw)
    rng = Random(repr(seed))  # much faster than numpy's generators for one word
    questions: dict[str, _Questions] = {name: [] for name in _ASK}
    for i in range(scenes):
        shown = [_Shape(*words) for words in _objects(shapes, i)]
        for name, ask in _ASK.items():
            questions[name] += ask(rng, i, shown)
    questions["textvqa"] = [_textvqa(rng, signs, sample) for sample in signs.samples]
    return BenchmarkScenes(shapes, signs, questions)


def _objects(scenes: Scenes, row: int) -> list[list[str]]:
    """Returns the words for each object of a scene."""
    return [
        [DESCRIPTION_WORDS[number] for number in cell[1:] if number >= 0]
        for cell in scenes.descriptions[row]
        if cell[1] >= 0
    ]


def _other(rng: Random, words: Sequence[str], word: str) -> str:
    """Draws another of the words; the same where there is no other."""
    return rng.choice([other for other in words if other != word] or [word])


def _human_answers(
    rng: Random, answer: str, variants: Sequence[str]
) -> tuple[str, ...]:
    """Draws ten answers, of which one to five are variants."""
    varied = rng.randint(1, 5)
    given = rng.choices(variants, k=varied) + [answer] * (ANNOTATORS - varied)
    return tuple(rng.sample(given, ANNOTATORS))


def _textvqa(rng: Random, scenes: Scenes, sample: Sample) -> BenchmarkQuestion:
    image, question, answer, kind, _ = sample
    shown = sorted(words[0] for words in _objects(scenes, image))
    hint = f"Reference OCR token: {', '.join(shown).upper()}"
    variants = [answer.upper(), answer.upper(), _other(rng, shown, answer)]
    human = _human_answers(rng, answer, variants)
    return BenchmarkQuestion(image, f"{question}?", answer, kind, human, hints=(hint,))


def _colour(rng: Random, image: int, shown: _Shapes) -> BenchmarkQuestion:
    colour, shape = rng.choice(shown)
    return BenchmarkQuestion(image, f"What color is the {shape}?", colour, "query")


def _verify(rng: Random, image: int, shown: _Shapes) -> BenchmarkQuestion:
    colour, shape = rng.choice(shown)
    asked = colour if rng.random() < 0.5 else _other(rng, COLOUR_NAMES, colour)
    answer = "yes" if asked == colour else "no"
    return BenchmarkQuestion(image, f"Is the {shape} {asked}?", answer, "verify")


def _gqa(rng: Random, image: int, shown: _Shapes) -> _Questions:
    return [_colour(rng, image, shown), _verify(rng, image, shown)]


def _vqav2(rng: Random, image: int, shown: _Shapes) -> _Questions:
    colour, verify = _gqa(rng, image, shown)
    count = str(len(shown))
    number = BenchmarkQuestion(image, "How many shapes are there?", count, "number")
    paint = colour.answer
    variants = (
        (colour, "other", [f"dark {paint}", f"It's {paint}.", "red"]),
        (verify, "yes/no", ["yes", "no"]),
        (number, "number", [_NUMBERS[len(shown)], f"{count} shapes"]),
    )
    return [
        asked._replace(
            kind=kind, human_answers=_human_answers(rng, asked.answer, others)
        )
        for asked, kind, others in variants
    ]


def _vizwiz(rng: Random, image: int, shown: _Shapes) -> _Questions:
    """Asks about a shape that may be absent."""
    shape = rng.choice(SHAPES)
    colour = next((other.colour for other in shown if other.shape == shape), None)
    answer, kind = (colour, "other") if colour else ("unanswerable", "unanswerable")
    variants = ["unanswerable", "unsuitable", rng.choice(COLOUR_NAMES)]
    human = _human_answers(rng, answer, variants)
    question = f"What color is the {shape}?"
    hints = (UNANSWERABLE_HINT,)
    return [BenchmarkQuestion(image, question, answer, kind, human, hints=hints)]


def _pope(rng: Random, image: int, shown: _Shapes) -> _Questions:
    """Asks about a shape that is present and, in each split, about one that is absent.

    The absent one is of an absent colour (*random*, *popular*: the latter in a shape
    that is present), or mixes the colour and the shape of two others (*adversarial*).
    """
    colours, shapes = zip(*shown, strict=True)
    missing = [colour for colour in COLOUR_NAMES if colour not in colours]
    present = rng.choice(shown)
    mixed = rng.choice([colour for colour in colours if colour != present.colour])
    absent = {
        "random": _Shape(
            rng.choice(missing),
            rng.choice([shape for shape in SHAPES if shape not in shapes] or SHAPES),
        ),
        "popular": _Shape(rng.choice(missing), present.shape),
        "adversarial": _Shape(mixed, present.shape),
    }
    return [
        BenchmarkQuestion(
            image, f"Is there a {colour} {shape} in the image?", answer, split
        )
        for split, other in absent.items()
        for (colour, shape), answer in ((present, "yes"), (other, "no"))
    ]


def _mme(rng: Random, image: int, shown: _Shapes) -> _Questions:
    """Asks two questions of one sub-task, to which the answers are yes and no."""
    colour, shape = rng.choice(shown)
    present = {other.shape for other in shown}
    absent = [other for other in SHAPES if other not in present]
    task = rng.choice(["color", "count", *(["existence"] if absent else [])])
    colours = colour, _other(rng, COLOUR_NAMES, colour)
    numbers = _NUMBERS[len(shown)], _NUMBERS[5 - len(shown)]
    pair = {
        "color": [f"Is the {shape} {name}?" for name in colours],
        "count": [f"Are there {number} shapes in this image?" for number in numbers],
        "existence": [f"Is there a {name} in this image?" for name in (shape, *absent)],
    }[task][:2]
    return [
        BenchmarkQuestion(image, question, answer, task)
        for question, answer in zip(pair, ("Yes", "No"), strict=True)
    ]


def _mmbench(rng: Random, image: int, shown: _Shapes) -> _Questions:
    asked = _colour(rng, image, shown)
    others = [colour for colour in COLOUR_NAMES if colour != asked.answer]
    options = tuple(rng.sample([asked.answer, *rng.sample(others, 3)], 4))
    return [asked._replace(options=options, kind="attribute_recognition")]


def _scienceqa(rng: Random, image: int, shown: _Shapes) -> _Questions:
    """Asks about the image, or in every third question or so about words alone."""
    if rng.random() < 1 / 3:
        answer = rng.choice(COLOUR_NAMES)
        options = rng.sample([answer, *rng.sample(SHAPES, 2)], 3)
        question = BenchmarkQuestion(None, "Which of these is a color?", answer, "text")
    else:
        colour, answer = rng.choice(shown)
        options = rng.sample(SHAPES, len(SHAPES))
        question = BenchmarkQuestion(
            image, f"Which shape is {colour}?", answer, "image"
        )
    return [question._replace(options=tuple(options))]


_ASK: dict[str, _Ask] = {
    "gqa": _gqa,
    "vqav2": _vqav2,
    "vizwiz": _vizwiz,
    "pope": _pope,
    "mme": _mme,
    "mmbench": _mmbench,
    "scienceqa": _scienceqa,
}
