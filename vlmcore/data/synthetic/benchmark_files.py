"""Writes synthetic benchmark questions in the file formats of the eight benchmarks.

The files have the names, folders and fields of the real ones, so a reader can be tried
on a benchmark that was made here, and `sources.load_benchmark` takes the folder of
either. Fields that the package does not read, such as the questions' sources, are in
the files too, with the value `made`.
"""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from vlmcore.data.benchmarks.multiple_choice import ROTATION
from vlmcore.data.benchmarks.question import OPTION_LETTERS
from vlmcore.data.benchmarks.yes_no import MME_INSTRUCTION
from vlmcore.data.synthetic.benchmark_questions import (
    BenchmarkQuestion,
    BenchmarkScenes,
)
from vlmcore.folders import files_beside

_Questions = list[BenchmarkQuestion]
_COCO = "COCO_val2014_{:012d}.jpg"
_MADE = "made"
"""Stands where a real file names a source, a licence or a person."""


def write(scenes: BenchmarkScenes, folder: str | Path) -> None:
    """Writes the questions and images of every benchmark into a folder of its own.

    Args:
        scenes: with images.
        folder: the folders of the benchmarks go in here; it may exist.

    Raises:
        ValueError: there is a file that was not made here, such as one of a real
            benchmark.
    """
    shapes = scenes.shapes.drawn()
    with files_beside(folder) as partial:
        for name, write_benchmark in _WRITERS.items():
            images = scenes.letters.drawn() if name == "textvqa" else shapes
            write_benchmark(scenes.questions[name], images, partial / name)


def _save(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_encoded(pixels, "PNG" if path.suffix == ".png" else "JPEG"))


def _encoded(pixels: np.ndarray, kind: str) -> bytes:
    file, image = io.BytesIO(), Image.fromarray(pixels.transpose(1, 2, 0))
    image.save(file, kind, quality=95, subsampling=0)  # both are ignored in a PNG
    return file.getvalue()


def _save_all(images: np.ndarray, folder: Path, name: str) -> None:
    for i, pixels in enumerate(images):
        _save(pixels, folder / name.format(i))


def _write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _vqav2(asked: _Questions, images: np.ndarray, folder: Path) -> None:
    _save_all(images, folder / "val2014", _COCO)
    head = {
        "info": {"description": _MADE, "version": "2.0"},
        "license": {"name": _MADE},
        "data_type": "mscoco",
        "data_subtype": "val2014",
    }
    questions, annotations = [], []
    for i, (image, question, answer, kind, given, *_) in enumerate(asked):
        # a number is the image's, followed by three digits for the question
        number = (image or 0) * 1000 + i
        questions.append(
            {"image_id": image, "question": question, "question_id": number}
        )
        annotations.append(
            {
                "question_type": " ".join(question.lower().split()[:2]),
                "multiple_choice_answer": answer,
                "answers": [
                    {"answer": text, "answer_confidence": "yes", "answer_id": n}
                    for n, text in enumerate(given, start=1)
                ],
                "image_id": image,
                "answer_type": kind,
                "question_id": number,
            }
        )
    _write_json(
        folder / "v2_OpenEnded_mscoco_val2014_questions.json",
        {**head, "task_type": "Open-Ended", "questions": questions},
    )
    _write_json(
        folder / "v2_mscoco_val2014_annotations.json",
        {**head, "annotations": annotations},
    )


def _vizwiz(asked: _Questions, images: np.ndarray, folder: Path) -> None:
    entries = []
    for i, (image, question, _, kind, given, *_) in enumerate(asked):
        name = f"VizWiz_val_{i:08d}.jpg"
        _save(images[image or 0], folder / "val" / name)
        entries.append(
            {
                "image": name,
                "question": question,
                "answers": [
                    {"answer": text, "answer_confidence": "yes"} for text in given
                ],
                "answer_type": kind,
                "answerable": int(kind != "unanswerable"),
            }
        )
    _write_json(folder / "val.json", entries)


def _textvqa(asked: _Questions, images: np.ndarray, folder: Path) -> None:
    entries, ocr = [], []
    for i, (image, question, _, _, given, _, hints) in enumerate(asked):
        name = f"{i:016x}"
        _save(images[image or 0], folder / "train_images" / f"{name}.jpg")
        entries.append(
            {
                "question": question,
                "image_id": name,
                "image_classes": [_MADE],
                "flickr_original_url": _MADE,
                "image_width": images.shape[-1],
                "image_height": images.shape[-2],
                "answers": list(given),
                "question_tokens": question.lower().rstrip("?").split(),
                "question_id": i,
                "set_name": "val",
            }
        )
        words = hints[0].split(": ")[1].split(", ")
        ocr.append({"image_id": name, "ocr_tokens": words, "ocr_info": []})
    for file, version, data in (
        ("TextVQA_0.5.1_val.json", "0.5.1", entries),
        ("TextVQA_Rosetta_OCR_v0.2_val.json", "0.2", ocr),
    ):
        head = {"dataset_type": "val", "dataset_name": "textvqa"}
        _write_json(folder / file, {**head, "dataset_version": version, "data": data})


def _gqa(asked: _Questions, images: np.ndarray, folder: Path) -> None:
    _save_all(images, folder / "images", "n{}.jpg")
    entries = {
        f"{i:08d}": {
            "semantic": [],
            "entailed": [],
            "equivalent": [f"{i:08d}"],
            "question": question,
            "imageId": f"n{image}",
            "isBalanced": True,
            "groups": {"global": None, "local": _MADE},
            "answer": answer,
            "semanticStr": _MADE,
            "annotations": {"answer": {}, "question": {}, "fullAnswer": {}},
            "types": {
                "detailed": f"{kind}Attr",
                "semantic": "attr",
                "structural": kind,
            },
            "fullAnswer": answer,
        }
        for i, (image, question, answer, kind, *_) in enumerate(asked)
    }
    _write_json(folder / "testdev_balanced_questions.json", entries)


def _pope(asked: _Questions, images: np.ndarray, folder: Path) -> None:
    _save_all(images, folder / "val2014", _COCO)
    for split in ("random", "popular", "adversarial"):
        part = [question for question in asked if question.kind == split]
        lines = [
            {
                "question_id": n,
                "image": _COCO.format(question.image),
                "text": question.question,
                "label": question.answer,
            }
            for n, question in enumerate(part, start=1)
        ]
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (folder / f"coco_pope_{split}.json").write_text(text, encoding="utf-8")


def _mme(asked: _Questions, images: np.ndarray, folder: Path) -> None:
    """Half of the real sub-tasks keep images and texts apart; here `count` does."""
    for pair in zip(asked[::2], asked[1::2], strict=True):
        name, kind = f"{pair[0].image:012d}", pair[0].kind
        task = folder / "MME_Benchmark_release_version" / kind
        apart = kind == "count"
        _save(
            images[pair[0].image or 0],
            (task / "images" if apart else task) / f"{name}.jpg",
        )
        text = (task / "questions_answers_YN" if apart else task) / f"{name}.txt"
        text.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{one.question}{MME_INSTRUCTION}\t{one.answer}" for one in pair]
        # without a line break at the end, as in the real files
        text.write_text("\n".join(lines), encoding="utf-8")


def _mmbench(asked: _Questions, images: np.ndarray, folder: Path) -> None:
    rows = []
    for i, (image, question, answer, kind, _, texts, _) in enumerate(asked):
        encoded = base64.b64encode(_encoded(images[image or 0], "JPEG")).decode()
        for shift in range(len(texts)):
            options = texts[shift:] + texts[:shift]
            rows.append(
                {
                    "index": i + shift * ROTATION,
                    "question": question,
                    "hint": None,
                    **dict(zip(OPTION_LETTERS, options, strict=False)),
                    "answer": OPTION_LETTERS[options.index(answer)],
                    "category": kind,
                    "image": encoded,
                    "source": _MADE,
                    "l2-category": "finegrained_perception (instance-level)",
                    "comment": None,
                    "split": "dev",
                }
            )
    table = pd.DataFrame(rows).sort_values("index")
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "mmbench_dev_20230712.tsv", sep="\t", index=False)


def _scienceqa(asked: _Questions, images: np.ndarray, folder: Path) -> None:
    problems = {}
    for i, (image, question, answer, _, _, options, _) in enumerate(asked, start=1):
        if image is not None:
            _save(images[image], folder / "test" / str(i) / "image.png")
        problems[str(i)] = {
            "question": question,
            "choices": list(options),
            "answer": options.index(answer),
            "hint": "",
            "image": None if image is None else "image.png",
            "task": "closed choice",
            "grade": "grade2",
            "subject": "natural science",
            "topic": _MADE,
            "category": _MADE,
            "skill": _MADE,
            "lecture": "",
            "solution": "",
            "split": "test",
        }
    splits = {"train": [], "val": [], "test": list(problems)}
    _write_json(folder / "problems.json", problems)
    _write_json(folder / "pid_splits.json", splits)


_WRITERS = {
    "vqav2": _vqav2,
    "vizwiz": _vizwiz,
    "textvqa": _textvqa,
    "gqa": _gqa,
    "pope": _pope,
    "mme": _mme,
    "mmbench": _mmbench,
    "scienceqa": _scienceqa,
}
