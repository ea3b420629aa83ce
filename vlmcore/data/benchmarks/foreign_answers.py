"""Answer files that other code wrote, LLaVA's scripts above all.

They name questions in other ways, as the files do that LLaVA publishes with its scripts
(`playground/data/eval`): POPE's numbers begin with a digit for the split or run through
all of them, VizWiz's are positions in the file, MME's two questions about an image have
its name, TextVQA's the image's, a rotation of MMBench may have a round of its own, and
numbers may be texts or texts numbers. `matched_answers` gives every answer the id that
the readers of this package give its question.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from pathlib import Path
from typing import Any

from vlmcore.data.benchmarks.joining import unique
from vlmcore.data.benchmarks.llava import Answer, read_answers
from vlmcore.data.benchmarks.multiple_choice import ROTATION
from vlmcore.data.benchmarks.question import Question
from vlmcore.data.benchmarks.yes_no import MME_INSTRUCTION

Questions = Callable[[], Iterable[Question]]
_SPLIT = 10_000_000
_LLAVAS_SPLITS = ("adversarial", "random", "popular")
"""The splits by their digit in LLaVA's numbers."""
_ALPHABETIC = sorted(_LLAVAS_SPLITS)


def matched_answers(
    benchmark: str, questions: Questions, path: str | Path
) -> Iterator[Answer]:
    """Yields the answers of a file with the ids of the questions, in the file's order.

    Args:
        benchmark: its name, such as `pope`.
        questions: reads the questions from the start, each time it is called.
        path: file of the answers.

    Raises:
        ValueError: an answer belongs to no question; the message says where.
    """
    first = next(iter(questions()), None)
    translate = _TRANSLATIONS.get(benchmark)
    if first is None or translate is None:
        return read_answers(path)
    return translate(questions, first, path)


def _of_the_same_type(
    questions: Questions, first: Question, path: str | Path
) -> Iterator[Answer]:
    """Ids that are numbers here and texts there, or the reverse."""
    for answer in read_answers(path):
        if isinstance(first.id, str):
            yield answer._replace(id=str(answer.id))
        elif isinstance(answer.id, str) and answer.id.isdecimal():
            yield answer._replace(id=int(answer.id))
        else:
            yield answer


def _numbered_through(
    questions: Questions, first: Question, path: str | Path
) -> Iterator[Answer]:
    """POPE: LLaVA's numbers are a split's times ten million and POPE's own.

    Numbers without splits run through all questions, from 0.
    """
    numbers = [_whole(answer) for answer in read_answers(path) if not _is_ours(answer)]
    if numbers:
        names = _names_of_pope(questions, max(numbers) >= _SPLIT)
    for answer in read_answers(path):
        if _is_ours(answer):
            yield answer
            continue
        number = _whole(answer)
        if number not in names:
            raise ValueError(
                f"{answer.where}: question {str(number)[:60]} is none of "
                f"{len(names)}; are these the answers to all splits?"
            )
        yield answer._replace(id=names[number])


def _is_ours(answer: Answer) -> bool:
    return isinstance(answer.id, str) and "/" in answer.id


def _names_of_pope(questions: Questions, by_split: bool) -> dict[int, Any]:
    asked = list(unique(questions()))
    if by_split:
        splits = {split: number * _SPLIT for number, split in enumerate(_LLAVAS_SPLITS)}
        return {
            splits[question.kind]
            + int(str(question.id).rpartition("/")[2]): question.id
            for question in asked
            if question.kind in splits
        }
    order = sorted({q.kind for q in asked}, key=lambda x: (x not in _ALPHABETIC, x))
    in_order = [q.id for split in order for q in asked if q.kind == split]
    return dict(enumerate(in_order))


def _by_position(
    questions: Questions, first: Question, path: str | Path
) -> Iterator[Answer]:
    """VizWiz: LLaVA's number of a question is its position in the file."""
    names: list[Any] | None = None
    for answer in read_answers(path):
        if isinstance(answer.id, str) and not answer.id.isdecimal():
            yield answer
            continue
        names = [q.id for q in questions()] if names is None else names
        if _whole(answer) >= len(names):
            raise ValueError(
                f"{answer.where}: question {str(answer.id)[:60]} of {len(names)}; are "
                "these the answers to another file?"
            )
        yield answer._replace(id=names[_whole(answer)])


def _named_by_image(
    questions: Questions, first: Question, path: str | Path
) -> Iterator[Answer]:
    """MME: both answers have the name of the image; the prompt tells which is which."""
    waiting: dict[str, list[tuple[Hashable, str]]] | None = None
    for answer in read_answers(path):
        if re.fullmatch(r".*/\d+", str(answer.id)):
            yield answer
            continue
        if waiting is None:
            waiting = defaultdict(list)
            for question in questions():
                pair = question.id, _question_of(question.prompt)
                waiting[_image_name(str(question.group))].append(pair)
        image, asked = _image_name(str(answer.id)), _question_of(answer.prompt)
        left = waiting[image]
        names = [name for name, prompt in left if prompt == asked] if asked else []
        if not left or (asked and not names):
            raise ValueError(
                f"{answer.where}: an answer to unknown question "
                f"{str(answer.id)[:60]!r} ({asked[:40]!r})"
            )
        chosen: Any = names[0] if names else left[0][0]
        waiting[image] = [pair for pair in left if pair[0] != chosen]
        yield answer._replace(id=chosen)


def _by_image_and_question(
    questions: Questions, first: Question, path: str | Path
) -> Iterator[Answer]:
    """TextVQA: the id is the image's, and the prompt has the question, as in LLaVA."""
    by_text: dict[tuple[str, str], Any] | None = None
    for answer in read_answers(path):
        if type(answer.id) is type(first.id):
            yield answer
            continue
        if by_text is None:
            by_text = {
                (_stem(question.image), _question_of(question.prompt)): question.id
                for question in questions()
            }
        key = (str(answer.id), _question_of(answer.prompt))
        if key in by_text:
            yield answer._replace(id=by_text[key])
        elif key[0].isdecimal():
            yield answer._replace(id=int(key[0]))
        else:
            raise ValueError(
                f"{answer.where}: there is no question {key[1][:60]!r} about image "
                f"{key[0][:60]}"
            )


def _rotated(
    questions: Questions, first: Question, path: str | Path
) -> Iterator[Answer]:
    """MMBench: LLaVA gives every rotation of a question its number and a round."""
    for answer in read_answers(path):
        yield answer._replace(id=_whole(answer) + ROTATION * answer.round)


def _whole(answer: Answer) -> int:
    if isinstance(answer.id, str) and not answer.id.isdecimal():
        raise ValueError(
            f"{answer.where}: field 'question_id' is {answer.id[:60]!r}, not a number"
        )
    return int(answer.id)


def _image_name(name: str) -> str:
    """Sub-task and image of MME, without folders between them and without its kind."""
    return f"{name.partition('/')[0]}/{Path(name).stem}"


def _stem(image: Path | str | None) -> str:
    return image.stem if isinstance(image, Path) else ""


def _question_of(prompt: str) -> str:
    """The question in a prompt: its first line but for hints, in lower case."""
    lines = [x for x in prompt.splitlines() if not x.startswith("Reference OCR")]
    first = lines[0].strip() if lines else ""
    return first.removesuffix(MME_INSTRUCTION).lower()


_TRANSLATIONS = {
    "gqa": _of_the_same_type,
    "mmbench": _rotated,
    "mme": _named_by_image,
    "pope": _numbered_through,
    "scienceqa": _of_the_same_type,
    "textvqa": _by_image_and_question,
    "vizwiz": _by_position,
    "vqav2": _of_the_same_type,
}
