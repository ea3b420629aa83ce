"""Answers as bad as models give them: punctuation, numbers, articles, contractions, Unicode, nothing, and far too much."""

import random

MARKS = list(";:/'[]\"{}()=+\\_-><@`,?!.\u2019…")
WORDS = [
    "a",
    "an",
    "the",
    "The",
    "none",
    "Ten",
    "two",
    "TWO",
    "red",
    "Red",
    "cat",
    "dog",
    "yes",
    "No",
    "no",
    "not",
    "Yes",
    "10",
    "1,000",
]
WORDS += [
    "3.5",
    "2.",
    ".5",
    "1,2,3",
    "1, 2",
    "dont",
    "don't",
    "Id've",
    "couldnt've",
    "somebody'd",
    "man's",
    "lets",
    "ow's'at",
    "he\u2019dve",
    "whove",
    "hadn'tve",
    "é",
    "ß",
    "²",
]
WORDS += [
    "ÄPFEL",
    "日本",
    "A",
    "B.",
    "C",
    "(D)",
    "E",
    "A.",
    "The answer is B.",
    "The answer is C",
    "The answer is F ",
    "The answer is d.",
    "\u0661,\u0662",
    "\u00a0",
    "B. x",
    "İ",
    "nope",
    "Knot",
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
