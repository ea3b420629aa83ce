"""The rules of the benchmarks written again, naively and apart from the package.

There is one loop for each sentence of a rule.
"""

import itertools
import string
from functools import cache

from tests.evaluation.official_tables import CONTRACTIONS, MARKS

LETTERS = "ABCDE"


@cache
def punctuation(text, marks):
    """Applies the punctuation rules of both normalisers.

    A mark goes if it touches a space in the original or a number has a comma, else it
    becomes a space; then 32 full stops go.
    """
    triples = zip(text, text[1:], text[2:], strict=False)
    number = any(a.isdecimal() and b == "," and c.isdecimal() for a, b, c in triples)
    out = text
    for mark in marks:
        touches = any({a, b} == {mark, " "} for a, b in itertools.pairwise(text))
        out = out.replace(mark, "" if touches or number else " ")
    kept, deleted = [], 0
    for i, letter in enumerate(out):
        followed = i + 1 < len(out) and out[i + 1].isdecimal()
        if letter == "." and deleted < 32 and not followed:
            deleted += 1
        else:
            kept.append(letter)
    return "".join(kept)


_NUMBERS = "zero one two three four five six seven eight nine ten"
DIGITS = {word: str(i) for i, word in enumerate(_NUMBERS.split())} | {"none": "0"}


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


def vqav2(pred, references, state="vqav2_official"):
    """One of the three states of VQAv2's script."""
    tables = state if state == "vqav2_2015" else "evalai"
    marks, table = MARKS[tables], CONTRACTIONS[tables]

    def trim(text):
        return text.replace("\n", " ").replace("\t", " ").strip()

    def plain(text):
        return words(punctuation(text, marks), table)

    if state == "vqav2_official":
        pred, references = trim(pred), [trim(r) for r in references]
        if len(set(references)) > 1:
            return plain(pred), [plain(r) for r in references]
        return pred, references
    if len(set(references)) > 1:
        references = [punctuation(reference, marks) for reference in references]
    return plain(trim(pred)), references


def leave_one_out(text, references):
    """Returns the mean over the annotators who are left out in turn.

    An answer is right to a third for each of the others who gave it.
    """
    total = 0
    for left_out in range(len(references)):
        others = [r for i, r in enumerate(references) if i != left_out]
        total += min(1, sum(text == r for r in others) / 3)
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
    """(precision, recall, F1, accuracy, yes-ratio) from pairs (answer, label)."""
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
    """Reads an answer as LLaVA-1.5's script does.

    It takes the letter alone, "X. " at the start, or one "The answer is X" with any
    character but a line break behind.
    """
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


MMBENCH_FORMS = "X X. X, X: X) X). (X) (X). :X :X, :X. :X) :X)."


def mmbench(text, options):
    """Returns the letter of the first form that only one letter has in the text.

    A bare A does not count where it may be an article. Without such a form it is the
    letter of the only option named.
    """
    parts = text.split()
    for before, behind in (form.split("X") for form in MMBENCH_FORMS.split()):
        found = {
            part[len(before) : len(part) - len(behind)]
            for part in parts
            if part.startswith(before) and part.endswith(behind)
        }
        found &= set(LETTERS)
        bare = not before and not behind
        if len(found) == 1 and not (bare and "A" in parts and len(parts) > 3):
            return found.pop()
    named = [
        letter
        for letter, option in zip(LETTERS, options, strict=False)
        if text.lower().find(option.lower()) >= 0
    ]
    return named[0] if len(named) == 1 else None


def exact(text):
    """Lowers the case, and drops extra spaces and one full stop at the end."""
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


def gqa(text):
    """Lowers the case and drops full stops at the end."""
    while text and text[-1] == ".":
        text = text[:-1]
    return text.lower()


def share(right, kinds, kind):
    """Returns the share of right answers to the questions of one kind."""
    of_kind = [r for r, k in zip(right, kinds, strict=True) if k == kind]
    return sum(of_kind) / len(of_kind)


def update_in_parts(metric, *columns, size=6000):
    """Updates a metric several times, as batches do."""
    for start in range(0, len(columns[0]), size):
        metric.update(*(column[start : start + size] for column in columns))
