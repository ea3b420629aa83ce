"""Facts about words that no image shows: first letter, plural and noun in -ness.

They are asked about easy-VQA's images. The answer to "what is the noun in -ness of the
color?" needs the colour from the image and *blueness* from the language model. Each
word is trained with images on all its facts but one, and scored on that one
(`HELD_OUT`). A right answer there was never trained with an image: it comes from the
language model's text pre-training.

`fact_text` asks the trained facts about shapes that are described in words, for a
miniature that has not been pre-trained on text.
"""

from functools import cache
from itertools import product, starmap
from typing import NamedTuple

import numpy as np

from vlmcore.data.easyvqa import CONTENTS, EasyVQASplit, contents
from vlmcore.data.samples import Sample
from vlmcore.data.synthetic.drawing import COLOURS, SHAPES

FACT_WORDS = (*COLOURS, *SHAPES)
FACT_RELATIONS = {
    "letter": "what is the first letter of {}?",
    "plural": "what is the plural of {}?",
    "ness": "what is the noun in -ness of {}?",
}
"""The questions; the slot takes a word, or `the color` or `the shape` of an image."""


class Fact(NamedTuple):
    """One fact about a word."""

    word: str
    relation: str

    @property
    def answer(self) -> str:
        """The value of the relation; all eleven words are regular."""
        return {
            "letter": self.word[0],
            "plural": f"{self.word}s",
            "ness": f"{self.word}ness",
        }[self.relation]

    def question(self, about: str) -> str:
        """Asks for the fact, about the word itself or about what an image shows."""
        return FACT_RELATIONS[self.relation].format(about)


def _exists(fact: Fact) -> bool:
    return fact.relation != "ness" or fact.word in COLOURS


def _is_held_out(fact: Fact) -> bool:
    turn = FACT_WORDS.index(fact.word) + list(FACT_RELATIONS).index(fact.relation)
    return turn % len(FACT_RELATIONS) == 0


FACTS = tuple(filter(_exists, starmap(Fact, product(FACT_WORDS, FACT_RELATIONS))))
HELD_OUT = tuple(filter(_is_held_out, FACTS))
"""One fact of each word, except of the shape whose turn would be -ness."""


def train_samples(data: EasyVQASplit) -> list[Sample]:
    """Asks what each image shows, and every fact about it that is not held out."""
    return _samples(data, held_out=False)


def test_samples(data: EasyVQASplit) -> list[Sample]:
    """Asks the held-out facts about every image whose content is known."""
    return _samples(data, held_out=True)


def fact_text() -> list[Sample]:
    """Asks the trained facts: `a blue circle . what is the plural of the shape ?`."""
    return [
        sample._replace(question=f"a {' '.join(shown)} . {sample.question}")
        for content, shown in enumerate(CONTENTS)
        for sample in _about(content, content, held_out=False)
    ]


def _samples(data: EasyVQASplit, *, held_out: bool) -> list[Sample]:
    found = contents(data)
    return [
        sample
        for image in np.flatnonzero(found >= 0).tolist()
        for sample in _about(image, int(found[image]), held_out=held_out)
    ]


def _about(image: int, content: int, *, held_out: bool) -> list[Sample]:
    """Asks about the colour and the shape of one image."""
    samples = []
    asked = ("the color", len(COLOURS)), ("the shape", len(SHAPES))
    for word, (about, count) in zip(CONTENTS[content], asked, strict=True):
        for fact in FACTS:
            if fact.word == word and (fact in HELD_OUT) == held_out:
                question, choices = fact.question(about), _choices(fact.relation)
                samples.append(
                    Sample(image, question, fact.answer, fact.relation, choices)
                )
        if not held_out:
            samples.append(Sample(image, f"what is {about}?", word, "name", count))
    return samples


@cache
def _choices(relation: str) -> int:
    return len({fact.answer for fact in FACTS if fact.relation == relation})
