"""Quiz: the questions of eight benchmarks about the scenes of our worlds, so that every metric can be run on a model that fits a laptop.

Each benchmark keeps what is its own: POPE's objects that are not there, in three
degrees of plausibility; MME's two questions an image; MMBench's options in every
rotation; VizWiz's questions that cannot be answered; ten people who do not quite agree.
Shapes are asked about by all but TextVQA, which has letters. Everything is a pure
function of the seed.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

import numpy as np

from vlmcore.data.benchmarks.question import (
    LETTERS,
    UNANSWERABLE,
    choice_prompt,
    short_prompt,
)
from vlmcore.data.samples import Sample
from vlmcore.data.synthetic import letters_and_shapes
from vlmcore.data.synthetic.captioned_shapes import COLOURS, SHAPES
from vlmcore.data.synthetic.letters_and_shapes import (
    WORDS,
    Scenes,
    Seed,
    attribute,
)

NUMBERS = {2: "two", 3: "three"}
PEOPLE = 10
_COLOURS = tuple(COLOURS)


class Item(NamedTuple):
    """A question as a benchmark's file has it."""

    image: int | None
    """Row of the image among those of its world; None for a question about text."""
    question: str
    answer: str
    """The right answer, or the text of the right option."""
    kind: str
    people: tuple[str, ...] = ()
    """What ten people said."""
    options: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    @property
    def prompt(self) -> str:
        """What a model reads."""
        return (
            choice_prompt(self.question, self.options)
            if self.options
            else short_prompt(self.question, *self.hints)
        )

    @property
    def said(self) -> str:
        """What a model should say: the answer, or the letter of its option."""
        return (
            LETTERS[self.options.index(self.answer)]
            if self.options
            else self.answer.lower()
        )


class BenchmarkScenes(NamedTuple):
    """Scenes with shapes and scenes with letters, and the questions of each benchmark about them."""

    shapes: Scenes
    letters: Scenes
    items: dict[str, list[Item]]

    @property
    def images(self) -> np.ndarray:
        """uint8 (n, 3, 72, 72): the scenes with shapes, then those with letters."""
        return np.concatenate([self.shapes.drawn(), self.letters.drawn()])

    def samples(self) -> list[Sample]:
        """Every question as a sample to train on, with the row of its image in `images`.

        A question about text is put to the first image, and every second sign is shown
        without the hints of a text reader.
        """
        first = {"textvqa": len(self.shapes.notes)}
        return [
            Sample(
                first.get(name, 0) + (item.image or 0),
                (
                    item if name != "textvqa" or i % 2 else item._replace(hints=())
                ).prompt,
                item.said,
                name,
                max(len(item.options), 2),
            )
            for name, items in self.items.items()
            for i, item in enumerate(items)
        ]

    @property
    def notes(self) -> np.ndarray:
        """Of all scenes, int (n, 16, 3), in the order of `images`."""
        return np.concatenate([self.shapes.notes, self.letters.notes])


Pair = tuple[str, str]
Ask = Callable[[Random, int, list[Pair]], list[Item]]


def benchmark_scenes(
    seed: Seed, scenes: int, letters: int | None = None, *, draw: bool = True
) -> BenchmarkScenes:
    """Draws scenes and asks each benchmark's questions about them.

    Args:
        seed: names the world; two seeds share no image.
        scenes: with shapes.
        letters: scenes with letters; a quarter as many if None.
        draw: whether images are wanted.
    """
    mark = seed if isinstance(seed, tuple) else (seed,)
    shapes, signs = (
        attribute(mark, scenes, draw=draw),
        letters_and_shapes.letters(
            mark, scenes // 4 if letters is None else letters, draw=draw
        ),
    )
    rng = Random(
        repr(mark)
    )  # numpy's generators take a multiple of the time for one word
    items: dict[str, list[Item]] = {name: [] for name in (*_ASKED, "textvqa")}
    for i in range(len(shapes.notes)):
        there = [pair for pair in _words(shapes, i) if len(pair) == 2]
        for name, ask in _ASKED.items():
            items[name] += ask(rng, i, [(pair[0], pair[1]) for pair in there])
    for sample in signs.samples:
        found = sorted(pair[0] for pair in _words(signs, sample.image))
        hint = f"Reference OCR token: {', '.join(letter.upper() for letter in found)}"
        people = _people(
            rng,
            sample.answer,
            [
                sample.answer.upper(),
                sample.answer.upper(),
                _other(rng, found, sample.answer),
            ],
        )
        items["textvqa"].append(
            Item(
                sample.image,
                f"{sample.question}?",
                sample.answer,
                sample.kind,
                people,
                hints=(hint,),
            )
        )
    return BenchmarkScenes(shapes, signs, items)


def _words(scenes: Scenes, row: int) -> list[tuple[str, ...]]:
    """What is at each place that is not empty."""
    return [
        tuple(WORDS[number] for number in note[1:] if number >= 0)
        for note in scenes.notes[row]
        if note[1] >= 0
    ]


def _other(rng: Random, words: Sequence[str], word: str) -> str:
    """Any of the words but one; that one where there is no other."""
    return rng.choice([other for other in words if other != word] or [word])


def _people(rng: Random, answer: str, variants: Sequence[str]) -> tuple[str, ...]:
    """Ten answers, of which one to five vary."""
    varied = rng.randint(1, 5)
    people = rng.choices(variants, k=varied) + [answer] * (PEOPLE - varied)
    return tuple(rng.sample(people, PEOPLE))


def _colour(rng: Random, image: int, there: list[Pair]) -> Item:
    colour, shape = rng.choice(there)
    return Item(image, f"What color is the {shape}?", colour, "query")


def _verify(rng: Random, image: int, there: list[Pair]) -> Item:
    colour, shape = rng.choice(there)
    asked = colour if rng.random() < 0.5 else _other(rng, _COLOURS, colour)
    return Item(
        image, f"Is the {shape} {asked}?", "yes" if asked == colour else "no", "verify"
    )


def _gqa(rng: Random, image: int, there: list[Pair]) -> list[Item]:
    return [_colour(rng, image, there), _verify(rng, image, there)]


def _vqav2(rng: Random, image: int, there: list[Pair]) -> list[Item]:
    colour, verify = _colour(rng, image, there), _verify(rng, image, there)
    number = str(len(there))
    return [
        colour._replace(
            kind="other",
            people=_people(
                rng,
                colour.answer,
                [f"dark {colour.answer}", f"It's {colour.answer}.", "red"],
            ),
        ),
        verify._replace(
            kind="yes/no", people=_people(rng, verify.answer, ["yes", "no"])
        ),
        Item(
            image,
            "How many shapes are there?",
            number,
            "number",
            _people(rng, number, [NUMBERS[len(there)], f"{number} shapes"]),
        ),
    ]


def _vizwiz(rng: Random, image: int, there: list[Pair]) -> list[Item]:
    """A form that may not be there."""
    shape = rng.choice(SHAPES)
    colour = {form: colour for colour, form in there}.get(shape)
    answer, kind = (colour, "other") if colour else ("unanswerable", "unanswerable")
    people = _people(rng, answer, ["unanswerable", "unsuitable", rng.choice(_COLOURS)])
    return [
        Item(
            image,
            f"What color is the {shape}?",
            answer,
            kind,
            people,
            hints=(UNANSWERABLE,),
        )
    ]


def _pope(rng: Random, image: int, there: list[Pair]) -> list[Item]:
    """One thing that is there and one that is not: of a colour that is not there, of a form's wrong colour, of two things mixed up."""
    missing = [colour for colour in _COLOURS if colour not in dict(there)]
    colour, shape = rng.choice(there)
    mixed = rng.choice([other for other, _ in there if other != colour])
    absent = {
        "random": (
            rng.choice(missing),
            rng.choice(
                [s for s in SHAPES if s not in {form for _, form in there}] or SHAPES
            ),
        ),
        "popular": (rng.choice(missing), shape),
        "adversarial": (mixed, shape),
    }
    items = []
    for split, pair in absent.items():
        for (one, form), answer in (((colour, shape), "yes"), (pair, "no")):
            items.append(
                Item(image, f"Is there a {one} {form} in the image?", answer, split)
            )
    return items


def _mme(rng: Random, image: int, there: list[Pair]) -> list[Item]:
    """Two questions of one sub-task: one to affirm, one to deny."""
    colour, shape = rng.choice(there)
    absent = [form for form in SHAPES if form not in {form for _, form in there}]
    task = rng.choice(["color", "count", *(["existence"] if absent else [])])
    pairs = {
        "color": [
            f"Is the {shape} {name}?"
            for name in (colour, _other(rng, _COLOURS, colour))
        ],
        "count": [
            f"Are there {NUMBERS[number]} shapes in this image?"
            for number in (len(there), 5 - len(there))
        ],
        "existence": [
            f"Is there a {form} in this image?" for form in (shape, *absent[:1])
        ],
    }
    return [
        Item(image, question, answer, task)
        for question, answer in zip(pairs[task], ("Yes", "No"), strict=True)
    ]


def _mmbench(rng: Random, image: int, there: list[Pair]) -> list[Item]:
    asked = _colour(rng, image, there)
    wrong = rng.sample([colour for colour in _COLOURS if colour != asked.answer], 3)
    options = tuple(rng.sample([asked.answer, *wrong], 4))
    return [asked._replace(options=options, kind="attribute_recognition")]


def _scienceqa(rng: Random, image: int, there: list[Pair]) -> list[Item]:
    """About every third question is about words alone."""
    if rng.random() < 1 / 3:
        right = rng.choice(_COLOURS)
        options = tuple(rng.sample([right, *rng.sample(SHAPES, 2)], 3))
        return [
            Item(None, "Which of these is a color?", right, "text", options=options)
        ]
    colour, shape = rng.choice(there)
    return [
        Item(
            image,
            f"Which shape is {colour}?",
            shape,
            "image",
            options=tuple(rng.sample(SHAPES, len(SHAPES))),
        )
    ]


_ASKED: dict[str, Ask] = {
    "gqa": _gqa,
    "vqav2": _vqav2,
    "vizwiz": _vizwiz,
    "pope": _pope,
    "mme": _mme,
    "mmbench": _mmbench,
    "scienceqa": _scienceqa,
}
