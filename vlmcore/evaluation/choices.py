"""Which option an answer chooses: the rules of ScienceQA (arXiv 2209.09513, LLaVA's script) and of MMBench (arXiv 2307.06281)."""

import re
from collections.abc import Iterable, Sequence

from torch import Tensor
from torchmetrics import Metric

from vlmcore.evaluation.scores import (
    ALL,
    Judged,
    Score,
    accumulate,
    by_kind,
    keep_tally,
    rows_of,
    same_length,
)

LETTERS = "ABCDE"
# how a letter may be dressed, in the order in which MMBench's code looks for it
_DRESSES = (
    "{}",
    "{}.",
    "{},",
    "{}:",
    "{})",
    "{}).",
    "({})",
    "({}).",
    ":{}",
    ":{},",
    ":{}.",
    ":{})",
    ":{}).",
)
# the full stop was hardly meant to be any character, but it is in the script
_SAID = re.compile(r"The answer is ([A-Z]).")


def scienceqa_option(text: str, options: int) -> str | None:
    """The letter that an answer chooses by LLaVA-1.5's rule; None for everything else.

    The letter alone, before ". " at the start, or once in "The answer is X" with one
    more character after it. This is the script of the release
    (`llava/eval/eval_science_qa.py`; the copy in
    https://github.com/locuslab/llava-token-compression is the same), which does not
    strip: who generates the text does. A variant in circulation reads more: it strips,
    takes a line break for ". ", and reads the first of several sentences, and also the
    last word of a text, as in "The answer is B".

    Args:
        text: the answer.
        options: how many there are; a letter beyond them is no choice.

    Example:
        >>> [scienceqa_option(text, 3) for text in ("B", "B. a stone", "The answer is B.", "b", "The answer is B", "D")]
        ['B', 'B', 'B', None, None, None]
    """
    said = _SAID.findall(text)
    if _is_letter(text):
        letter = text
    elif _is_letter(text[:1]) and text[1:3] == ". ":
        letter = text[0]
    else:
        letter = said[0] if len(said) == 1 else ""
    return letter if letter and letter in LETTERS[:options] else None


def _is_letter(text: str) -> bool:
    return len(text) == 1 and text in LETTERS


def mmbench_option(text: str, options: Sequence[str]) -> str | None:
    """The letter that an answer chooses: the only one that stands as a word of its own, or that of the only option whose text is in it.

    The published evaluation asks ChatGPT about answers that this cannot read; here they
    stay unread, and count as wrong.

    Args:
        text: the answer.
        options: their texts, for A, B, ...

    Example:
        >>> [mmbench_option(text, ["cat", "dog"]) for text in ("B", "(B).", "It is a dog", "A or B", "a cat and a dog")]
        ['B', 'B', 'B', None, None]
    """
    words = text.split()
    for dress in _DRESSES:
        found = [letter for letter in LETTERS if dress.format(letter) in words]
        an_article = dress == "{}" and "A" in words and len(words) > 3
        if len(found) == 1 and not an_article:
            return found[0]
    lower = text.lower()
    named = [
        letter
        for letter, option in zip(LETTERS, options, strict=False)
        if option.lower() in lower
    ]
    return named[0] if len(named) == 1 else None


def judge_scienceqa(prediction: str, answer: str, options: int) -> Judged:
    """ScienceQA's rule for one answer: the letter of the right option, of so many."""
    chosen = scienceqa_option(prediction, options)
    return Judged(int(chosen == answer), chosen is not None, 1 / options)


class ScienceQA(Metric):
    """Share of right options, over all questions and by kind; Table 1 has the questions with an image.

    Args:
        kinds: every kind of question, such as `image` and `text`.

    Example:
        >>> metric = ScienceQA(["image", "text"])
        >>> metric.update(["B", "It must be B"], ["B", "B"], [4, 2], ["image", "text"])
        >>> metric.compute()["image"].value
        1.0
    """

    full_state_update = False
    counts: Tensor
    chance: Tensor

    def __init__(self, kinds: Iterable[str] = (ALL,)) -> None:
        super().__init__()
        self.kinds = keep_tally(self, kinds)

    def update(
        self,
        predictions: Sequence[str],
        answers: Sequence[str],
        options: Sequence[int],
        kinds: Sequence[str] | None = None,
    ) -> None:
        """Adds generated texts.

        Args:
            predictions: generated texts.
            answers: letter of the right option.
            options: how many each question has.
            kinds: of each question; not needed when there is one.

        Raises:
            ValueError: a right option does not exist.
        """
        same_length(predictions, answers, options, *([] if kinds is None else [kinds]))
        for letter, count in zip(answers, options, strict=True):
            if not (len(letter) == 1 and letter in LETTERS[:count]):
                raise ValueError(
                    f"option {letter!r} cannot be right where there are {count}: "
                    f"{', '.join(LETTERS[:count])}"
                )
        accumulate(
            self,
            map(judge_scienceqa, predictions, answers, options),
            rows_of(kinds, self.kinds, len(answers)),
        )

    def compute(self) -> dict[str, Score]:
        """Scores under `all` and under each kind that was asked."""
        return by_kind(self, self.kinds)
