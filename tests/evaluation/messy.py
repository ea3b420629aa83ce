"""Answers as bad as models give them, for tests against other implementations.

They have punctuation, numbers, articles, contractions and Unicode, or nothing, or far
too much.
"""

import random

MARKS = list(";:/'[]\"{}()=+\\_-><@`,?!.\u2019…")
_PLAIN = """
a an the The none Ten two TWO red Red cat dog yes No no not Yes 10 1,000 3.5 2. .5 1,2,3
dont don't Id've couldnt've somebody'd man's lets ow's'at he\u2019dve whove hadn'tve é ß
² ÄPFEL 日本 A B. C (D) E A. \u0661,\u0662 İ nope Knot
"""
WORDS = [
    *_PLAIN.split(),
    "1, 2",
    "The answer is B.",
    "The answer is C",
    "The answer is F ",
    "The answer is d.",
    "\u00a0",
    "B. x",
]
SPACES = [" ", " ", " ", "", "\n", "\t", "  "]


def text(rng: random.Random) -> str:
    if rng.random() < 0.03:
        return ""
    length = rng.randrange(200, 400) if rng.random() < 0.002 else rng.randrange(1, 6)
    parts = []
    for _ in range(length):
        parts += [
            rng.choice(WORDS),
            rng.choice(MARKS) if rng.random() < 0.35 else "",
            rng.choice(SPACES),
        ]
    if rng.random() < 0.01:
        parts.append("." * rng.randrange(30, 40))
    return "".join(parts)


def vocabulary(count: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [text(rng) for _ in range(count)]


def answer_sets(count: int, seed: int) -> list[tuple[str, list[str]]]:
    """Predictions with ten references each; annotators often agree, or all do."""
    rng, texts = random.Random(seed), vocabulary(3000, seed)
    sets = []
    for _ in range(count):
        pool = [*rng.sample(texts, 3), rng.choice(texts).lower()]
        prediction = rng.choice(pool)
        chosen = rng.choices(pool[: rng.randrange(1, 5)], k=10)
        if rng.random() < 0.2:  # as the files have them, but for spaces at the ends
            chosen = [f"{prediction.lower()}{rng.choice(SPACES)}" for _ in chosen]
        sets.append((prediction, chosen))
    return sets


def readings(count: int, seed: int) -> list[tuple[str, list[str]]]:
    """Answers read off an image with their references, some misread by half."""
    rng = random.Random(seed)
    texts = [text[:24] for text in vocabulary(4000, seed)]
    sets = []
    for _ in range(count):
        references = rng.sample(texts, rng.randrange(1, 4))
        prediction = rng.choice(references if rng.random() < 0.8 else texts)
        sets.append((misread(rng, prediction), references))
    return sets


def misread(rng: random.Random, text: str) -> str:
    letters = list(text)
    for _ in range(rng.randrange(0, 4)):
        if letters:
            i = rng.randrange(len(letters))
            letters[i : i + 1] = rng.choice(
                [[], ["x"], [letters[i], "y"], [letters[i].upper()]]
            )
    return "".join(letters)
