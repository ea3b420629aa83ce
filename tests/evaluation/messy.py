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
