"""The rules of the benchmarks once more, written down naively and apart from the package: one loop for each sentence of the rule."""

import itertools
import string
from functools import cache

from tests.evaluation.official_tables import CONTRACTIONS, MARKS

LETTERS = "ABCDE"


@cache
def punctuation(text, marks):
    """Mark by mark: gone if it touches a space in the original or a number has a comma, else a space; then 32 full stops."""
    out, number = (
        text,
        any(
            a.isdecimal() and b == "," and c.isdecimal()
            for a, b, c in zip(text, text[1:], text[2:], strict=False)
        ),
    )
    for mark in marks:
        touches = any({a, b} == {mark, " "} for a, b in itertools.pairwise(text))
        out = out.replace(mark, "" if touches or number else " ")
    kept, deleted = [], 0
    for i, letter in enumerate(out):
        if (
            letter == "."
            and deleted < 32
            and not (i + 1 < len(out) and out[i + 1].isdecimal())
        ):
            deleted += 1
        else:
            kept.append(letter)
    return "".join(kept)


DIGITS = {
    "none": "0",
    "zero": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
}
DIGITS |= {"eight": "8", "nine": "9", "ten": "10"}


def words(text, contractions):
    out = []
    for word in text.lower().split():
        word = DIGITS.get(word, word)
        if word in ("a", "an", "the"):
            continue
        out.append(contractions.get(word, word))
    return " ".join(out)


@cache
def evalai(text):
    text = text.lower()
    for old, new in ((",", ""), ("?", ""), ("'s", " 's")):
        text = new.join(text.split(old))
    text = text.strip().replace("\n", " ").replace("\t", " ").strip()
    return words(punctuation(text, MARKS["evalai"]), CONTRACTIONS["evalai"])


def vqav2(prediction, references):
    marks = MARKS["vqav2_official"]
    said = words(
        punctuation(prediction.replace("\n", " ").replace("\t", " ").strip(), marks),
        CONTRACTIONS["vqav2_official"],
    )
    if len(set(references)) > 1:
        references = [punctuation(reference, marks) for reference in references]
    return said, references


def leave_one_out(said, references):
    """Mean over the people left out, each answer being right to a third for each of the others who gave it."""
    total = 0
    for left_out in range(len(references)):
        others = [r for i, r in enumerate(references) if i != left_out]
        total += min(1, sum(said == r for r in others) / 3)
    return total / len(references)


def pope(text):
    end = text.find(".")
    if end != -1:
        text = text[:end]
    for word in text.replace(",", "").split(" "):
        if word in ("No", "not", "no"):
            return "no"
    return "yes"


def f1(pairs):
    """(precision, recall, F1, accuracy, yes-ratio) from pairs (said, label)."""
    tp, fp, fn, tn = (
        pairs.count(pair)
        for pair in (("yes", "yes"), ("yes", "no"), ("no", "yes"), ("no", "no"))
    )
    precision, recall = tp / (tp + fp), tp / (tp + fn)
    return (
        precision,
        recall,
        2 * precision * recall / (precision + recall),
        (tp + tn) / len(pairs),
        (tp + fp) / len(pairs),
    )


def mme(text):
    text = text.lower()
    if text == "yes" or text == "no":
        return text
    for word in ("yes", "no"):
        if word in text[:4]:
            return word
    return "other"


def scienceqa(text, options):
    """LLaVA-1.5's script: the letter alone, "X. " at the start, or one "The answer is X" with any character but a line break behind."""
    if text in list(LETTERS):
        letter = text
    elif len(text) >= 3 and text[0] in LETTERS and text[1:3] == ". ":
        letter = text[0]
    else:
        found, i, start = [], 0, "The answer is "
        while i < len(text):
            end = i + len(start) + 2
            rest = text[i + len(start) : end]
            if (
                text.startswith(start, i)
                and len(rest) == 2
                and rest[0] in string.ascii_uppercase
                and rest[1] != "\n"
            ):
                found.append(rest[0])
                i = end
            else:
                i += 1
        letter = found[0] if len(found) == 1 else None
    return letter if letter in list(LETTERS[:options]) else None


MMBENCH_MARKS = (
    ("", ""),
    ("", "."),
    ("", ","),
    ("", ":"),
    ("", ")"),
    ("", ")."),
    ("(", ")"),
    ("(", ")."),
)
MMBENCH_MARKS += ((":", ""), (":", ","), (":", "."), (":", ")"), (":", ")."))


def mmbench(text, options):
    """The first dress that only one letter wears, unless it is a bare A that may be an article; else the only option named."""
    parts = text.split()
    for before, behind in MMBENCH_MARKS:
        found = {
            part[len(before) : len(part) - len(behind)]
            for part in parts
            if part.startswith(before) and part.endswith(behind)
        }
        found &= set(LETTERS)
        if len(found) == 1 and (
            before or behind or "A" not in parts or len(parts) <= 3
        ):
            return found.pop()
    named = [
        letter
        for letter, option in zip(LETTERS, options, strict=False)
        if text.lower().find(option.lower()) >= 0
    ]
    return named[0] if len(named) == 1 else None


def exact(text):
    """Words in lower case with one space between them, without a full stop at the end."""
    text = " ".join(text.lower().split())
    return " ".join(text[:-1].split()) if text and text[-1] == "." else text


def levenshtein(one, other):
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(len(one) + 1):
        for j in range(len(other) + 1):
            if i == 0 or j == 0:
                table[i][j] = i + j
            else:
                table[i][j] = min(
                    table[i - 1][j] + 1,
                    table[i][j - 1] + 1,
                    table[i - 1][j - 1] + (one[i - 1] != other[j - 1]),
                )
    return table[-1][-1]
