"""Answer files that other code wrote, LLaVA's scripts above all.

They name questions in other ways: POPE's are numbered through its three splits, MME's
two questions about an image have its name, TextVQA's the image's, a rotation of MMBench
has a number of its own, and numbers may be texts or texts numbers. `matched_answers`
gives every answer the id that the readers of this package give its question.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vlmcore.data.benchmarks.joining import unique
from vlmcore.data.benchmarks.llava import Answer, read_answers
from vlmcore.data.benchmarks.multiple_choice import ROTATION
from vlmcore.data.benchmarks.question import Question
from vlmcore.data.benchmarks.yes_no import MME_INSTRUCTION

Questions = Callable[[], Iterable[Question]]
_LLAVAS_SPLITS = ("adversarial", "popular", "random")


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
    answers = read_answers(path)
    first = next(iter(questions()), None)
    translate = _TRANSLATIONS.get(benchmark)
    if first is None or translate is None:
        return answers
    return translate(questions, first, answers)


def _of_the_same_type(
    questions: Questions, first: Question, answers: Iterator[Answer]
) -> Iterator[Answer]:
    """Ids that are numbers here and texts there, or the reverse."""
    for answer in answers:
        if isinstance(first.id, str):
            yield answer._replace(id=str(answer.id))
        elif isinstance(answer.id, str) and answer.id.isdecimal():
            yield answer._replace(id=int(answer.id))
        else:
            yield answer


def _numbered_through(
    questions: Questions, first: Question, answers: Iterator[Answer]
) -> Iterator[Answer]:
    """POPE: LLaVA numbers the questions of its three splits one after another."""
    by_split: Mapping[str, list[Hashable]] | None = None
    for answer in answers:
        if isinstance(answer.id, str) and "/" in answer.id:
            yield answer
            continue
        if by_split is None:
            by_split = defaultdict(list)
            for question in unique(questions()):
                by_split[question.kind].append(question.id)
            order = sorted(by_split, key=lambda x: (x not in _LLAVAS_SPLITS, x))
            names: list[Any] = [name for split in order for name in by_split[split]]
        number = _whole(answer)
        if not 0 <= number < len(names):
            raise ValueError(
                f"{answer.where}: question {number} of {len(names)}; are these the "
                "answers to all splits?"
            )
        yield answer._replace(id=names[number])


def _named_by_image(
    questions: Questions, first: Question, answers: Iterator[Answer]
) -> Iterator[Answer]:
    """MME: both answers have the name of the image; the prompt tells them apart."""
    waiting: dict[str, list[tuple[Hashable, str]]] | None = None
    for answer in answers:
        if str(answer.id).count("/") > 1:
            yield answer
            continue
        if waiting is None:
            waiting = defaultdict(list)
            for question in questions():
                name = _without_suffix(str(question.group))
                waiting[name].append((question.id, _question_of(question.prompt)))
        image, asked = _without_suffix(str(answer.id)), _question_of(answer.prompt)
        left = waiting[image]
        names = [name for name, prompt in left if prompt == asked] if asked else []
        if not left or (asked and not names):
            raise ValueError(
                f"{answer.where}: an answer to unknown question {answer.id!r} "
                f"({asked[:40]!r})"
            )
        chosen: Any = names[0] if names else left[0][0]
        waiting[image] = [pair for pair in left if pair[0] != chosen]
        yield answer._replace(id=chosen)


def _by_image_and_question(
    questions: Questions, first: Question, answers: Iterator[Answer]
) -> Iterator[Answer]:
    """TextVQA: the id is the image's, and the prompt has the question, as in LLaVA."""
    by_text: dict[tuple[str, str], Any] | None = None
    for answer in _of_the_same_type(questions, first, answers):
        if type(answer.id) is type(first.id):
            yield answer
            continue
        if by_text is None:
            by_text = {
                (_stem(question.image), _question_of(question.prompt)): question.id
                for question in questions()
            }
        key = (str(answer.id), _question_of(answer.prompt))
        if key not in by_text:
            raise ValueError(
                f"{answer.where}: there is no question {key[1][:60]!r} about image "
                f"{key[0]}"
            )
        yield answer._replace(id=by_text[key])


def _rotated(
    questions: Questions, first: Question, answers: Iterator[Answer]
) -> Iterator[Answer]:
    """MMBench: LLaVA gives every rotation of a question its number and a round."""
    for answer in answers:
        yield answer._replace(id=_whole(answer) + ROTATION * answer.round)


def _whole(answer: Answer) -> int:
    if isinstance(answer.id, str) and not answer.id.isdecimal():
        raise ValueError(
            f"{answer.where}: field 'question_id' is {answer.id!r}, not a number"
        )
    return int(answer.id)


def _without_suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and "/" not in suffix else name


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
    "vqav2": _of_the_same_type,
}
