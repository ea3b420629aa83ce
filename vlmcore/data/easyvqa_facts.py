"""Facts about words that no image shows: its first letter, its plural, its noun in -ness. Asked about easy-VQA's images.

Whoever answers "what is the noun in -ness of the color?" has to see blue and to know
*blueness*. Every word is trained with images in all its facts but one, and scored on
that one (`HELD_OUT`), so a right answer was never trained with an image: it comes from
what the language model knew before it saw. `told` asks the trained facts about
described shapes, for a miniature that knows nothing yet.
"""

from typing import NamedTuple

import numpy as np

from vlmcore.data.easyvqa import CONTENTS, EasyVQA, contents
from vlmcore.data.samples import Sample
from vlmcore.data.synthetic.captioned_shapes import COLOURS, SHAPES

WORDS = (*COLOURS, *SHAPES)
RELATIONS = {
    "letter": "what is the first letter of {}?",
    "plural": "what is the plural of {}?",
    "ness": "what is the noun in -ness of {}?",
}
"""What is asked; the slot takes a word, or `the color` or `the shape` of an image."""


class Fact(NamedTuple):
    """One thing to know about a word."""

    word: str
    relation: str

    @property
    def answer(self) -> str:
        """All eleven words are regular."""
        return {
            "letter": self.word[0],
            "plural": f"{self.word}s",
            "ness": f"{self.word}ness",
        }[self.relation]

    def question(self, about: str) -> str:
        """The fact asked about the word itself or about what an image shows."""
        return RELATIONS[self.relation].format(about)


FACTS = tuple(
    Fact(word, relation)
    for word in WORDS
    for relation in RELATIONS
    if relation != "ness" or word in COLOURS
)
HELD_OUT = tuple(
    fact
    for fact in FACTS
    if (WORDS.index(fact.word) + list(RELATIONS).index(fact.relation)) % len(RELATIONS)
    == 0
)
"""One fact of each word, but for the shape whose turn would be -ness."""

_CHOICES = {
    relation: len({fact.answer for fact in FACTS if fact.relation == relation})
    for relation in RELATIONS
}


def train_samples(data: EasyVQA) -> list[Sample]:
    """Every fact that is not held out about every image whose content is known, and what the image shows."""
    return [
        sample
        for image, content in _known(data)
        for sample in _about(image, content, held_out=False)
    ]


def test_samples(data: EasyVQA) -> list[Sample]:
    """The held-out facts about every image whose content is known."""
    return [
        sample
        for image, content in _known(data)
        for sample in _about(image, content, held_out=True)
    ]


def told() -> list[Sample]:
    """The trained facts about described shapes: `a blue circle . what is the plural of the shape ?`."""
    return [
        sample._replace(question=f"a {' '.join(CONTENTS[content])} . {sample.question}")
        for content in range(len(CONTENTS))
        for sample in _about(content, content, held_out=False)
    ]


def _known(data: EasyVQA) -> list[tuple[int, int]]:
    found = contents(data)
    return [(int(image), int(found[image])) for image in np.flatnonzero(found >= 0)]


def _about(image: int, content: int, *, held_out: bool) -> list[Sample]:
    """Questions about one image, from what it shows."""
    samples = []
    for word, about, count in zip(
        CONTENTS[content],
        ("the color", "the shape"),
        (len(COLOURS), len(SHAPES)),
        strict=True,
    ):
        facts = [
            fact
            for fact in FACTS
            if fact.word == word and (fact in HELD_OUT) == held_out
        ]
        samples += [
            Sample(
                image,
                fact.question(about),
                fact.answer,
                fact.relation,
                _CHOICES[fact.relation],
            )
            for fact in facts
        ]
        if not held_out:
            samples.append(Sample(image, f"what is {about}?", word, "name", count))
    return samples
