"""The official files of two benchmarks with yes/no questions: POPE and MME."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from vlmcore.data.benchmarks.json_stream import Record, json_lines
from vlmcore.data.benchmarks.question import Question, short_prompt
from vlmcore.data.benchmarks.text_files import each, open_text

SUMS: dict[str, tuple[str, ...]] = {
    "perception": (
        "existence",
        "count",
        "position",
        "color",
        "posters",
        "celebrity",
        "scene",
        "landmark",
        "artwork",
        "OCR",
    ),
    "cognition": (
        "commonsense_reasoning",
        "numerical_calculation",
        "text_translation",
        "code_reasoning",
    ),
}
"""MME's sums over sub-tasks, and which they are of."""
MME_INSTRUCTION = " Please answer yes or no."
_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png"}


def pope(files: Mapping[str, str | Path], images: str | Path) -> Iterator[Question]:
    """Reads POPE (arXiv 2305.10355), by split.

    Args:
        files: of the splits, such as `{"random": "coco_pope_random.json"}`. Their
            questions have the same numbers, so an id is made of split and number.
        images: folder of COCO's images.

    Raises:
        ValueError: something is missing or wrong; the message says where.
    """
    for split, file in files.items():
        yield from each(partial(_pope_question, split, Path(images)), json_lines(file))


def _pope_question(split: str, images: Path, record: Record) -> Question:
    label = record.get("label").strip().lower()
    if label not in ("yes", "no"):
        raise ValueError(
            f"{record.where}: field 'label' is {label!r}; it must be yes or no"
        )
    image, prompt = images / record.get("image"), short_prompt(record.get("text"))
    return Question(
        f"{split}/{record.id}", prompt, image, (label,), split, record.where
    )


def mme(folder: str | Path) -> Iterator[Question]:
    """Reads MME (arXiv 2306.13394), by sub-task, in LLaVA's prompt.

    A sub-task is a folder with images and, beside them or apart, texts with two
    questions each. Folders of other names, such as `eval_tool`, and hidden files are
    left out, and so is the instruction that ends each question.

    Raises:
        FileNotFoundError: there is no such folder, or a text has no image.
        ValueError: a line is not a question, a tab, and Yes or No.
    """
    folder, known = Path(folder), sum(SUMS.values(), ())
    tasks = [folder / name for name in sorted(known) if (folder / name).is_dir()]
    if not tasks:
        raise FileNotFoundError(
            f"{folder} holds no folders of sub-tasks such as {known[0]}; `vlmcore "
            "sources` says where they come from"
        )
    for task in tasks:
        files = [x for x in sorted(task.rglob("*")) if not x.name.startswith(".")]
        images = {x.stem: x for x in files if x.suffix.lower() in _IMAGE_SUFFIXES}
        for text in (path for path in files if path.suffix == ".txt"):
            if text.stem not in images:
                raise FileNotFoundError(
                    f"{text}: there is no image {text.stem} in {task}"
                )
            yield from _mme_questions(text, images[text.stem], task.name)


class _Line(NamedTuple):
    number: int
    text: str


def _mme_questions(text: Path, image: Path, task: str) -> Iterator[Question]:
    group = f"{task}/{image.name}"

    def question(line: _Line) -> Question:
        asked, tab, label = line.text.rpartition("\t")
        where, label = f"{text}, line {line.number}", label.strip().capitalize()
        if not tab or label not in ("Yes", "No"):
            raise ValueError(
                f"{where}: {line.text[:60]!r} is not a question, a tab, and Yes or No"
            )
        prompt = short_prompt(asked.strip().removesuffix(MME_INSTRUCTION))
        name = f"{group}/{line.number}"
        return Question(name, prompt, image, (label,), task, where, group=group)

    with open_text(text) as file:
        lines = file.read().splitlines()
    yield from each(
        question, (_Line(n, x) for n, x in enumerate(lines, start=1) if x.strip())
    )
