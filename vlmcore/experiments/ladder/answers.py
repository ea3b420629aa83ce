"""Which answers count as right, and how much of a string of letters was read.

The rule was fixed before any test question was answered: the first line of the answer,
up to a full stop, comma, semicolon or bracket, must equal an accepted one. Case,
accents, punctuation and a leading article do not count. Of a currency's name words may
be missing in front ("CFA franc", "franc").
"""

import re
import unicodedata
from collections.abc import Sequence

from torchmetrics.functional.text import word_error_rate


def plain(text: str) -> str:
    """A text as it is compared.

    Example:
        >>> plain(" The São Tomé. It is")
        'sao tome'
    """
    first = re.split(r"[\n.,;(]", text.strip())[0]
    return _letters(first)


def _letters(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.lower())
    bare = "".join(c for c in bare if not unicodedata.combining(c))
    words = re.sub(r"[^\w\s]|_", " ", re.sub("['\u2019]", "", bare)).split()
    return " ".join(words[1:] if words[:1] == ["the"] else words)


def is_right(answer: str, accepted: Sequence[str], kind: str) -> bool:
    """Whether an answer is one of those accepted.

    Args:
        answer: as it was generated.
        accepted: the right ones.
        kind: of the question.
    """
    right = {_letters(text) for text in accepted}
    if kind == "currency":
        words = [text.split() for text in right]
        right = {" ".join(each[i:]) for each in words for i in range(len(each))}
    # full stops and commas belong to some names
    return plain(answer) in right or _letters(answer.split("\n")[0]) in right


def share_read(answer: str, letters: str) -> float:
    """One less the edit distance to a string of letters over its length, at least 0.

    Args:
        answer: as it was generated; only single letters in its first line count.
        letters: the right ones, with spaces between.

    Example:
        >>> share_read(" A B C", "A X C")
        0.6666666865348816
    """
    read = " ".join(re.findall(r"\b[A-Z]\b", answer.strip().split("\n")[0].upper()))
    return max(0.0, 1 - word_error_rate([read], [letters]).item())


def score(answer: str, accepted: Sequence[str], kind: str) -> float:
    """Points of an answer: 1 or 0, of letters the share read."""
    if kind.endswith("letters"):
        return share_read(answer, accepted[0])
    return float(is_right(answer, accepted, kind))
