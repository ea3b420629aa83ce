"""Which option an answer chooses: the rules of ScienceQA and of MMBench.

ScienceQA is arXiv 2209.09513, read by LLaVA's script, MMBench arXiv 2307.06281.
"""

import re
from collections.abc import Sequence

from vlmcore.config.validation import check_kind, whole
from vlmcore.data.benchmarks.question import OPTION_LETTERS, lettered
from vlmcore.evaluation.scores import ALL, BenchmarkMetric, Judged

# how a letter may be punctuated, in the order in which MMBench's code looks for it
_FORMATS = "{} {}. {}, {}: {}) {}). ({}) ({}). :{} :{}, :{}. :{}) :{})."
# the full stop was hardly meant to be any character, but it is in the script
_STATED = re.compile(r"The answer is ([A-Z]).")


def scienceqa_option(text: str, options: int) -> str | None:
    """Returns the letter that an answer chooses by LLaVA-1.5's rule, or None.

    The rule reads the letter alone, before ". " at the start, or once in "The answer is
    X" with one more character after it. This is the script of the release
    (`llava/eval/eval_science_qa.py`; the copy in
    https://github.com/locuslab/llava-token-compression is the same). It does not strip:
    that is left to the code that generates the text. A variant in circulation reads
    more: it strips, takes a line break for ". ", and reads the first of several
    sentences, and also the last word of a text, as in "The answer is B".

    Args:
        text: the answer.
        options: how many there are; a letter beyond them is no choice.

    Example:
        >>> texts = "B", "B. a stone", "The answer is B.", "b", "The answer is B", "D"
        >>> [scienceqa_option(text, 3) for text in texts]
        ['B', 'B', 'B', None, None, None]
    """
    check_kind("text", text, str, "give an answer as text")
    options = whole("options", options, 0)
    stated = _STATED.findall(text)
    if _is_letter(text):
        letter = text
    elif _is_letter(text[:1]) and text[1:3] == ". ":
        letter = text[0]
    else:
        letter = stated[0] if len(stated) == 1 else ""
    return letter if letter and letter in OPTION_LETTERS[:options] else None


def _is_letter(text: str, options: int = len(OPTION_LETTERS)) -> bool:
    return len(text) == 1 and text in OPTION_LETTERS[:options]


def mmbench_option(text: str, options: Sequence[str]) -> str | None:
    """Returns the letter that an answer chooses by MMBench's rule, or None.

    It is the only letter that stands as a word of its own, or that of the only option
    whose text is in the answer. The published evaluation asks ChatGPT about answers
    that this cannot read; here they stay unread, and count as wrong.

    Args:
        text: the answer.
        options: their texts, for A, B, ...; an empty one is a gap.

    Example:
        >>> texts = "B", "(B).", "It is a dog", "A or B", "a cat and a dog"
        >>> [mmbench_option(text, ["cat", "dog"]) for text in texts]
        ['B', 'B', 'B', None, None]
    """
    check_kind("text", text, str, "give an answer as text")
    words = text.split()
    for form in _FORMATS.split():
        found = [letter for letter in OPTION_LETTERS if form.format(letter) in words]
        an_article = form == "{}" and "A" in words and len(words) > 3
        if len(found) == 1 and not an_article:
            return found[0]
    lower = text.lower()
    named = [
        letter
        for letter, option in lettered(options).items()
        if option.lower() in lower
    ]
    return named[0] if len(named) == 1 else None


def check_option(letter: str, options: int) -> None:
    """Raises ValueError when the right option is none of so many."""
    if not _is_letter(letter, options):
        raise ValueError(
            f"option {letter!r} cannot be right where there are {options}: "
            f"{', '.join(OPTION_LETTERS[:options])}"
        )


class ScienceQA(BenchmarkMetric):
    """Share of right options, over all questions and by kind.

    The kinds are `image` and `text`; Table 1 has the questions with an image. The
    `choices` of a question are the number of its options, five if None.

    Example:
        >>> metric = ScienceQA(["image", "text"])
        >>> metric.update(["B", "So B"], ["B", "B"], ["image", "text"], [4, 2])
        >>> metric.compute()["image"]
        tensor(1.)
    """

    def judge(
        self, pred: str, target: str, kind: str = ALL, choices: int | None = None
    ) -> Judged:
        """Gives a point for the letter of the right option, which must exist."""
        options = choices or len(OPTION_LETTERS)
        check_option(target, options)
        chosen = scienceqa_option(pred, options)
        return Judged(int(chosen == target), chosen is not None, 1 / options)
