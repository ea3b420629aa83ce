"""The official files of two benchmarks with yes/no questions: POPE and MME."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from vlmcore.data.benchmarks.json_stream import json_lines
from vlmcore.data.benchmarks.question import Question, short_prompt

MME_WISH = " Please answer yes or no."
IMAGES = {".jpg", ".jpeg", ".png"}


def pope(files: Mapping[str, str | Path], images: str | Path) -> Iterator[Question]:
    """POPE (arXiv 2305.10355), by split.

    Args:
        files: of the splits, such as `{"random": "coco_pope_random.json"}`; the numbers
            of their questions are the same, so that an id is made of both.
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
            number = f"{split}/{record.get('question_id', (int, str))}"
            image = Path(images) / record.get("image")
            yield Question(
                number,
                short_prompt(record.get("text")),
                image,
                (label,),
                split,
                record.where,
            )


def mme(folder: str | Path) -> Iterator[Question]:
    """MME (arXiv 2306.13394), by sub-task: a folder each, with images and, beside them or apart, texts with two questions.

    LLaVA's prompt is asked in place of the wish that ends each question.

    Raises:
        FileNotFoundError: there is no such folder, or a text has no image.
        ValueError: a line is not a question, a tab, and Yes or No.
    """
    tasks = (
        sorted(path for path in Path(folder).iterdir() if path.is_dir())
        if Path(folder).is_dir()
        else []
    )
    if not tasks:
        raise FileNotFoundError(
            f"{folder} holds no folders of sub-tasks; `vlmcore "
            "sources` says where they come from"
        )
    for task in tasks:
        images = {
            path.stem: path
            for path in sorted(task.rglob("*"))
            if path.suffix.lower() in IMAGES
        }
        for text in sorted(task.rglob("*.txt")):
            if text.stem not in images:
                raise FileNotFoundError(
                    f"{text}: there is no image {text.stem} in {task}"
                )
            image = f"{task.name}/{images[text.stem].name}"
            for number, line in enumerate(
                text.read_text(encoding="utf-8").splitlines(), start=1
            ):
                question, tab, label = line.rpartition("\t")
                where = f"{text}, line {number}"
                if not tab or label.strip() not in ("Yes", "No"):
                    raise ValueError(
                        f"{where}: {line[:60]!r} is not a question, a tab, and Yes or "
                        "No"
                    )
                prompt = short_prompt(question.strip().removesuffix(MME_WISH))
                yield Question(
                    f"{image}/{number}",
                    prompt,
                    images[text.stem],
                    (label.strip(),),
                    task.name,
                    where,
                    group=image,
                )
