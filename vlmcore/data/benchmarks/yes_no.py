"""The official files of two benchmarks with yes/no questions: POPE and MME."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from vlmcore.data.benchmarks.json_stream import json_lines
from vlmcore.data.benchmarks.question import Question, short_prompt

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
        for record in json_lines(file):
            label = record.get("label")
            if label not in ("yes", "no"):
                raise ValueError(
                    f"{record.where}: field 'label' is {label!r}; it must be yes or no"
                )
            number = f"{split}/{record.id}"
            image = Path(images) / record.get("image")
            prompt = short_prompt(record.get("text"))
            yield Question(number, prompt, image, (label,), split, record.where)


def mme(folder: str | Path) -> Iterator[Question]:
    """Reads MME (arXiv 2306.13394), by sub-task, in LLaVA's prompt.

    A sub-task is a folder with images and, beside them or apart, texts with two
    questions each. The instruction that ends each question is left out.

    Raises:
        FileNotFoundError: there is no such folder, or a text has no image.
        ValueError: a line is not a question, a tab, and Yes or No.
    """
    folder = Path(folder)
    tasks = [path for path in sorted(folder.glob("*")) if path.is_dir()]
    if not tasks:
        raise FileNotFoundError(
            f"{folder} holds no folders of sub-tasks; `vlmcore "
            "sources` says where they come from"
        )
    for task in tasks:
        images = {
            path.stem: path
            for path in sorted(task.rglob("*"))
            if path.suffix.lower() in _IMAGE_SUFFIXES
        }
        for text in sorted(task.rglob("*.txt")):
            if text.stem not in images:
                raise FileNotFoundError(
                    f"{text}: there is no image {text.stem} in {task}"
                )
            yield from _mme_questions(text, images[text.stem], task.name)


def _mme_questions(text: Path, image: Path, task: str) -> Iterator[Question]:
    group = f"{task}/{image.name}"
    lines = text.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        question, tab, label = line.rpartition("\t")
        where, label = f"{text}, line {number}", label.strip()
        if not tab or label not in ("Yes", "No"):
            raise ValueError(
                f"{where}: {line[:60]!r} is not a question, a tab, and Yes or No"
            )
        prompt = short_prompt(question.strip().removesuffix(MME_INSTRUCTION))
        yield Question(
            f"{group}/{number}", prompt, image, (label,), task, where, group=group
        )
