"""A quiz written down in the formats of the eight benchmarks: the same files, with the same fields, in the same folders as the real ones.

So whatever reads a real benchmark can be tried on one that was made here, and
`sources.load_benchmark` takes the folder of either. What the package does not read, such as the
questions' sources, is in the files too, with a value that says that it was made up.
"""

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from vlmcore.data.benchmarks.multiple_choice import ROTATION
from vlmcore.data.benchmarks.question import LETTERS
from vlmcore.data.benchmarks.yes_no import MME_WISH
from vlmcore.data.synthetic.benchmark_questions import BenchmarkScenes, Item

COCO = "COCO_val2014_{:012d}.jpg"
MADE = "made"
"""Stands where a real file names a source, a licence or a person."""


def write(scenes: BenchmarkScenes, folder: str | Path) -> None:
    """Writes every benchmark of a quiz into a folder of its own.

    Args:
        quiz: with images.
        folder: the folders of the benchmarks go in here; it may exist.
    """
    folder = Path(folder)
    shapes, items = scenes.shapes.drawn(), scenes.items
    _vqav2(items["vqav2"], shapes, folder / "vqav2")
    _vizwiz(items["vizwiz"], shapes, folder / "vizwiz")
    _textvqa(items["textvqa"], scenes.letters.drawn(), folder / "textvqa")
    _gqa(items["gqa"], shapes, folder / "gqa")
    _pope(items["pope"], shapes, folder / "pope")
    _mme(items["mme"], shapes, folder / "mme" / "MME_Benchmark_release_version")
    _mmbench(items["mmbench"], shapes, folder / "mmbench")
    _scienceqa(items["scienceqa"], shapes, folder / "scienceqa")


def _save(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.transpose(1, 2, 0)).save(
        path, quality=95, subsampling=0
    )  # of no meaning to PNG


def _json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _answers(people: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {"answer": said, "answer_confidence": "yes", "answer_id": i}
        for i, said in enumerate(people, start=1)
    ]


def _number(item: Item, i: int) -> int:
    """As in VQAv2: the number of the image, and three digits for the question."""
    return (item.image or 0) * 1000 + i


def _vqav2(items: list[Item], images: np.ndarray, folder: Path) -> None:
    for i, pixels in enumerate(images):
        _save(pixels, folder / "val2014" / COCO.format(i))
    head = {
        "info": {"description": MADE, "version": "2.0"},
        "license": {"name": MADE},
        "data_type": "mscoco",
        "data_subtype": "val2014",
    }
    numbered = [(_number(item, i), item) for i, item in enumerate(items)]
    questions = [
        {"image_id": item.image, "question": item.question, "question_id": n}
        for n, item in numbered
    ]
    annotations = [
        {
            "question_type": " ".join(item.question.lower().split()[:2]),
            "multiple_choice_answer": item.answer,
            "answers": _answers(item.people),
            "image_id": item.image,
            "answer_type": item.kind,
            "question_id": n,
        }
        for n, item in numbered
    ]
    _json(
        folder / "v2_OpenEnded_mscoco_val2014_questions.json",
        {**head, "task_type": "Open-Ended", "questions": questions},
    )
    _json(
        folder / "v2_mscoco_val2014_annotations.json",
        {**head, "annotations": annotations},
    )


def _vizwiz(items: list[Item], images: np.ndarray, folder: Path) -> None:
    entries = []
    for i, item in enumerate(items):
        name = f"VizWiz_val_{i:08d}.jpg"
        _save(images[item.image or 0], folder / "val" / name)
        people = [{"answer": said, "answer_confidence": "yes"} for said in item.people]
        answerable = int(item.kind != "unanswerable")
        entries.append(
            {
                "image": name,
                "question": item.question,
                "answers": people,
                "answer_type": item.kind,
                "answerable": answerable,
            }
        )
    _json(folder / "val.json", entries)


def _textvqa(items: list[Item], images: np.ndarray, folder: Path) -> None:
    entries, read = [], []
    for i, item in enumerate(items):
        name = f"{i:016x}"
        _save(images[item.image or 0], folder / "train_images" / f"{name}.jpg")
        entries.append(
            {
                "question": item.question,
                "image_id": name,
                "image_classes": [MADE],
                "flickr_original_url": MADE,
                "image_width": images.shape[-1],
                "image_height": images.shape[-2],
                "answers": list(item.people),
                "question_tokens": item.question.lower().rstrip("?").split(),
                "question_id": i,
                "set_name": "val",
            }
        )
        read.append(
            {
                "image_id": name,
                "ocr_tokens": item.hints[0].split(": ")[1].split(", "),
                "ocr_info": [],
            }
        )
    head = {
        "dataset_type": "val",
        "dataset_name": "textvqa",
        "dataset_version": "0.5.1",
    }
    _json(folder / "TextVQA_0.5.1_val.json", {**head, "data": entries})
    _json(
        folder / "TextVQA_Rosetta_OCR_v0.2_val.json",
        {**head, "dataset_version": "0.2", "data": read},
    )


def _gqa(items: list[Item], images: np.ndarray, folder: Path) -> None:
    for i, pixels in enumerate(images):
        _save(pixels, folder / "images" / f"n{i}.jpg")
    entries = {
        f"{i:08d}": {
            "semantic": [],
            "entailed": [],
            "equivalent": [f"{i:08d}"],
            "question": item.question,
            "imageId": f"n{item.image}",
            "isBalanced": True,
            "groups": {"global": None, "local": MADE},
            "answer": item.answer,
            "semanticStr": MADE,
            "annotations": {"answer": {}, "question": {}, "fullAnswer": {}},
            "types": {
                "detailed": f"{item.kind}Attr",
                "semantic": "attr",
                "structural": item.kind,
            },
            "fullAnswer": item.answer,
        }
        for i, item in enumerate(items)
    }
    _json(folder / "testdev_balanced_questions.json", entries)


def _pope(items: list[Item], images: np.ndarray, folder: Path) -> None:
    for i, pixels in enumerate(images):
        _save(pixels, folder / "val2014" / COCO.format(i))
    for split in ("random", "popular", "adversarial"):
        asked = [item for item in items if item.kind == split]
        lines = [
            {
                "question_id": n,
                "image": COCO.format(item.image),
                "text": item.question,
                "label": item.answer,
            }
            for n, item in enumerate(asked, start=1)
        ]
        (folder / f"coco_pope_{split}.json").write_text(
            "".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8"
        )


def _mme(items: list[Item], images: np.ndarray, folder: Path) -> None:
    """Half of the real sub-tasks keep images and texts apart; here `count` does."""
    for first, second in zip(items[::2], items[1::2], strict=True):
        name, apart = f"{first.image:012d}", first.kind == "count"
        task = folder / first.kind
        _save(
            images[first.image or 0],
            (task / "images" if apart else task) / f"{name}.jpg",
        )
        text = (task / "questions_answers_YN" if apart else task) / f"{name}.txt"
        text.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            f"{item.question}{MME_WISH}\t{item.answer}" for item in (first, second)
        ]
        text.write_text(
            "\n".join(lines), encoding="utf-8"
        )  # the real ones have no line break at the end either


def _mmbench(items: list[Item], images: np.ndarray, folder: Path) -> None:
    rows = []
    folder.mkdir(parents=True, exist_ok=True)
    for i, item in enumerate(items):
        path = folder / "image.jpg"
        _save(images[item.image or 0], path)
        encoded = base64.b64encode(path.read_bytes()).decode()
        path.unlink()
        for shift in range(len(item.options)):
            options = item.options[shift:] + item.options[:shift]
            row = {
                "index": i + shift * ROTATION,
                "question": item.question,
                "hint": None,
            } | dict(zip(LETTERS, options, strict=False))
            row |= {
                "answer": LETTERS[options.index(item.answer)],
                "category": item.kind,
                "image": encoded,
                "source": MADE,
            }
            rows.append(
                row
                | {
                    "l2-category": "finegrained_perception (instance-level)",
                    "comment": None,
                    "split": "dev",
                }
            )
    pd.DataFrame(rows).sort_values("index").to_csv(
        folder / "mmbench_dev_20230712.tsv", sep="\t", index=False
    )


def _scienceqa(items: list[Item], images: np.ndarray, folder: Path) -> None:
    problems = {}
    for i, item in enumerate(items, start=1):
        if item.image is not None:
            _save(images[item.image], folder / "test" / str(i) / "image.png")
        problems[str(i)] = {
            "question": item.question,
            "choices": list(item.options),
            "answer": item.options.index(item.answer),
            "hint": "",
            "image": "image.png" if item.image is not None else None,
            "task": "closed choice",
            "grade": "grade2",
            "subject": "natural science",
            "topic": MADE,
            "category": MADE,
            "skill": MADE,
            "lecture": "",
            "solution": "",
            "split": "test",
        }
    _json(folder / "problems.json", problems)
    _json(folder / "pid_splits.json", {"train": [], "val": [], "test": list(problems)})
