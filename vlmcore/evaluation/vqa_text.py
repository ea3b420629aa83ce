r"""The normalisers of VQA answers, which are often taken for one.

`evalai` scores TextVQA and VizWiz, and LLaVA puts its answers through it before it
submits them to any server. VQAv2 has a script of its own (arXiv 1612.00837,
https://github.com/GT-Vision-Lab/VQA, `vqaEval.py`), of which three states score
differently:

- `vqav2_official` is its master, a013f00 of 2021. When all ten references are the same,
  nothing is processed but spaces at the ends, not even capitals; otherwise prediction
  *and* references are normalised, with the tables of `evalai`.
- `vqav2_2016` is 458a8b2: it normalises the prediction always, and the references only
  for punctuation, if they are not all the same.
- `vqav2_2015` is 07aecec: as in 2016, but with another list of punctuation and with
  typographic apostrophes in its table of contractions. It is of Python 2, where words
  from the table and other text do not join; here both are text.

All keep the quirks of the published code, because a repaired normaliser gives other
numbers:

- the full stop's pattern was meant to spare the one between two digits; its look-behind
  is misspelt, so every full stop goes that is not *followed* by a digit;
- a regular-expression flag is passed where the count belongs, so that only the first 32
  go;
- a mark of punctuation is deleted when it touches a space anywhere in the text, or when
  any two digits have a comma between them; otherwise it becomes a space.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from vlmcore.config.validation import check_choice, check_kind
from vlmcore.data.samples import as_texts

Normalizer = Literal["evalai", "vqav2_official", "vqav2_2016", "vqav2_2015"]

_MARKS, _MARKS_2015 = ';/[]"{}()=+\\_-><@`,?!', ";:/'[]\"()=+\\_><@`,?"
_ARTICLES = {"a", "an", "the"}
_NUMBERS = "zero one two three four five six seven eight nine ten"
_DIGITS = dict(zip(_NUMBERS.split(), map(str, range(11)), strict=True)) | {"none": "0"}

# without the forms of "I" in the published table: words are in lower case when they are
# looked up, so that those never match
_CONTRACTED = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've
hasn't haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am
mightn't mightn't've might've mustn't must've needn't not've o'clock oughtn't 'ow's'at
shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's
someone'd someone'd've someone'll someone's something'd something'd've something'll
that's there'd there'd've there're there's they'd they'd've they'll they're they've
'twas wasn't we'd've we've weren't what'll what're what's what've when's where'd where's
where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't
wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""
# straight ones among the typographic apostrophes of 2015
_STRAIGHT_KEYS = "couldn'tve hadn'tve"
_STRAIGHT_WORDS = "ain't aren't can't could've couldn't we've where's who've"


def _straight() -> dict[str, str]:
    """The usual table: a word without one of its apostrophes, and the word."""
    return {
        whole[:i] + whole[i + 1 :]: whole
        for whole in _CONTRACTED.split()
        for i, letter in enumerate(whole)
        if letter == "'"
    } | {"somebody'd": "somebodyd"}  # the one entry that goes the other way


def _typographic() -> dict[str, str]:
    """The table of VQAv2's script of 2015."""
    return {
        _curly(key, _STRAIGHT_KEYS): _curly(word, _STRAIGHT_WORDS)
        for key, word in _straight().items()
    }


def _curly(text: str, straight: str) -> str:
    return text if text in straight.split() else text.replace("'", "\u2019")


class _Tables(NamedTuple):
    marks: str
    contractions: Mapping[str, str]


_USUAL = _Tables(_MARKS, _straight())
_TABLES: dict[Normalizer, _Tables] = dict.fromkeys(get_args(Normalizer), _USUAL) | {
    "vqav2_2015": _Tables(_MARKS_2015, _typographic())
}

_FULL_STOP = re.compile(r"\.(?!\d)")
_FULL_STOPS_DELETED = 32
_COMMA_IN_NUMBER = re.compile(r"\d,\d")


class Normalized(NamedTuple):
    """An answer and its references, ready to be compared."""

    prediction: str
    references: tuple[str, ...]


def normalize_vqa(
    prediction: str, references: Sequence[str], normalizer: Normalizer = "evalai"
) -> Normalized:
    """Returns an answer and its references as one of the scripts compares them.

    The earlier scripts of VQAv2 do not put references in lower case, which the files
    have done already. Without references every script normalises the answer.

    Raises:
        ValueError: there is no such normaliser.
    """
    check_normalizer(normalizer)
    check_kind("prediction", prediction, str, "give an answer as text")
    references = as_texts("references", references)
    if normalizer == "evalai":
        return Normalized(evalai(prediction), tuple(map(evalai, references)))
    if normalizer == "vqav2_official":
        lines = tuple(map(_one_line, references))
        if len(set(lines)) == 1:
            return Normalized(_one_line(prediction), lines)
        plain, *rest = (_normal(text, normalizer) for text in (prediction, *lines))
        return Normalized(plain, tuple(rest))
    marks = _TABLES[normalizer].marks
    differ = len(set(references)) > 1
    return Normalized(
        _normal(prediction, normalizer),
        tuple(_punctuation(r, marks) if differ else r for r in references),
    )


def check_normalizer(name: str) -> None:
    """Raises ValueError when there is no such normaliser."""
    check_choice("normaliser", name, get_args(Normalizer))


@lru_cache(maxsize=1 << 17)
def evalai(text: str) -> str:
    """Applies the `evalai` normaliser, for answers and references alike.

    Example:
        >>> evalai("The man's two dogs, I think.")
        "man 's 2 dogs i think"
    """
    text = text.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip()
    return _normal(text, "evalai")


@lru_cache(maxsize=1 << 17)
def _normal(text: str, normalizer: Normalizer) -> str:
    tables = _TABLES[normalizer]
    return _words(_punctuation(_one_line(text), tables.marks), tables.contractions)


def _one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()


@lru_cache(maxsize=1 << 17)
def _punctuation(text: str, marks: str) -> str:
    number = _COMMA_IN_NUMBER.search(text) is not None
    table = {
        ord(mark): "" if number or f"{mark} " in text or f" {mark}" in text else " "
        for mark in marks
        if mark in text
    }
    return _FULL_STOP.sub("", text.translate(table), count=_FULL_STOPS_DELETED)


def _words(text: str, contractions: Mapping[str, str]) -> str:
    words = (_DIGITS.get(word, word) for word in text.lower().split())
    return " ".join(
        contractions.get(word, word) for word in words if word not in _ARTICLES
    )
