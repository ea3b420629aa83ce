"""The official files of two benchmarks with yes/no questions: POPE and MME."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from vlmcore.data.benchmarks.json_stream import Record, json_lines
from vlmcore.data.benchmarks.question import Question, short_prompt
from vlmcore.data.benchmarks.skipped import Skipped, each
from vlmcore.data.benchmarks.text_files import open_text

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


def pope(
    files: Mapping[str, str | Path],
    images: str | Path,
    skipped: Skipped | None = None,
) -> Iterator[Question]:
    """Reads POPE (arXiv 2305.10355), by split.

    Args:
        files: of the splits, such as `{"random": "coco_pope_random.json"}`. Their
            questions have the same numbers, so an id is made of split and number.
        images: folder of COCO's images.
        skipped: where to report what cannot be read, instead of raising.

    Raises:
        ValueError: something is missing or wrong; the message says where.
    """
    for split, file in files.items():
        read, count = partial(_pope_question, split, Path(images)), 0
        for question in each(read, json_lines(file, broken=True), skipped):
            count += 1
            yield question
        if not count:  # the mean over the splits would be one over the others
            raise ValueError(f"{file} is empty; get it again")


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


def mme(folder: str | Path, skipped: Skipped | None = None) -> Iterator[Question]:
    """Reads MME (arXiv 2306.13394), by sub-task, in LLaVA's prompt.

    A sub-task is a folder with images and, beside them or apart, texts with two
    questions each. Folders of other names, such as `eval_tool`, and hidden files are
    left out, and so is the instruction that ends each question.

    Args:
        folder: such as `MME_Benchmark_release_version`.
        skipped: where to report what cannot be read, instead of raising.

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
    yield from each(_mme_question, _mme_lines(tasks), skipped)


class _Line(NamedTuple):
    text: str
    where: str
    name: str
    image: Path
    task: str


def _mme_lines(tasks: Iterable[Path]) -> Iterator[_Line]:
    for task in tasks:
        files = [x for x in sorted(task.rglob("*")) if not x.name.startswith(".")]
        images = {x.stem: x for x in files if x.suffix.lower() in _IMAGE_SUFFIXES}
        for text in (path for path in files if path.suffix == ".txt"):
            if text.stem not in images:
                raise FileNotFoundError(
                    f"{text}: there is no image {text.stem} in {task}"
                )
            image = images[text.stem]
            with open_text(text) as file:
                lines = file.read().splitlines()
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    where, name = f"{text}, line {number}", f"{image.name}/{number}"
                    yield _Line(line, where, f"{task.name}/{name}", image, task.name)


def _mme_question(line: _Line) -> Question:
    asked, tab, label = line.text.rpartition("\t")
    label = label.strip().capitalize()
    if not tab or label not in ("Yes", "No"):
        raise ValueError(
            f"{line.where}: {line.text[:60]!r} is not a question, a tab, and Yes or No"
        )
    prompt = short_prompt(asked.strip().removesuffix(MME_INSTRUCTION))
    group = line.name.rpartition("/")[0]
    return Question(
        line.name, prompt, line.image, (label,), line.task, line.where, group=group
    )
