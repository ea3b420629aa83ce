"""The official files of four benchmarks with short answers: VQAv2, VizWiz, TextVQA and GQA."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from vlmcore.data.benchmarks.json_stream import Record, join, json_items
from vlmcore.data.benchmarks.question import UNANSWERABLE, Question, short_prompt

PEOPLE = 10
ID = (int, str)


class _Asked(NamedTuple):
    id: int | str
    where: str
    record: Record


def vqav2(
    questions: str | Path,
    images: str | Path,
    annotations: str | Path | None = None,
    image: str = "COCO_val2014_{:012d}.jpg",
) -> Iterator[Question]:
    """VQAv2 (arXiv 1612.00837), by answer type.

    Args:
        questions: such as `v2_OpenEnded_mscoco_val2014_questions.json`.
        images: folder of COCO's images.
        annotations: such as `v2_mscoco_val2014_annotations.json`; None for the test
            sets, whose answers a server keeps.
        image: name of the image with a number.

    Raises:
        ValueError: something is missing or wrong; the message says where.
    """
    asked = (
        _Asked(record.get("question_id", ID), record.where, record)
        for record in json_items(questions, "questions")
    )
    answered = (
        (
            _Asked(r.get("question_id", ID), r.where, r)
            for r in json_items(annotations, "annotations")
        )
        if annotations
        else None
    )
    for one, other in (
        join(asked, answered, "annotation")
        if answered
        else ((one, None) for one in asked)
    ):
        path = Path(images) / image.format(one.record.get("image_id", int))
        answers = _people(other.record) if other else ()
        kind = other.record.get("answer_type") if other else "all"
        yield Question(
            one.id,
            short_prompt(one.record.get("question")),
            path,
            answers,
            kind,
            one.where,
        )


def vizwiz(file: str | Path, images: str | Path) -> Iterator[Question]:
    """VizWiz (arXiv 1802.08218), by answer type; the prompt names the word for what cannot be answered. The test file has no answers."""
    for record in json_items(file):
        name = record.get("image")
        labelled = "answers" in record.fields
        kind = record.get("answer_type") if labelled else "all"
        prompt = short_prompt(record.get("question"), UNANSWERABLE)
        yield Question(
            name,
            prompt,
            Path(images) / name,
            _people(record) if labelled else (),
            kind,
            record.where,
        )


def textvqa(
    file: str | Path, images: str | Path, ocr: str | Path | None = None
) -> Iterator[Question]:
    """TextVQA (arXiv 1904.08920).

    Args:
        file: such as `TextVQA_0.5.1_val.json`.
        images: folder of Open Images.
        ocr: such as `TextVQA_Rosetta_OCR_v0.2_val.json`; with it the prompt tells what
            a text reader found in the image, as LLaVA's does, and the score is no
            longer the model's own.
    """
    found = (
        {r.get("image_id"): r.get("ocr_tokens", list) for r in json_items(ocr, "data")}
        if ocr
        else {}
    )
    for record in json_items(file, "data"):
        image = record.get("image_id")
        hints = (
            [f"Reference OCR token: {', '.join(found[image])}"]
            if image in found
            else []
        )
        answers = _people(record) if "answers" in record.fields else ()
        prompt = short_prompt(record.get("question"), *hints)
        yield Question(
            record.get("question_id", ID),
            prompt,
            Path(images) / f"{image}.jpg",
            answers,
            "all",
            record.where,
        )


def gqa(file: str | Path, images: str | Path) -> Iterator[Question]:
    """GQA (arXiv 1902.09506), by structural type where the file has it; such as `testdev_balanced_questions.json`."""
    for record in json_items(file):
        types: dict[str, Any] = (
            record.get("types", dict) if "types" in record.fields else {}
        )
        image = Path(images) / f"{record.get('imageId')}.jpg"
        answers = (record.get("answer"),) if "answer" in record.fields else ()
        yield Question(
            record.key,
            short_prompt(record.get("question")),
            image,
            answers,
            str(types.get("structural", "all")),
            record.where,
        )


def _people(record: Record) -> tuple[str, ...]:
    """What ten people answered, as texts or as objects with a text."""
    given = [
        answer["answer"] if isinstance(answer, dict) else answer
        for answer in record.get("answers", list)
    ]
    if len(given) != PEOPLE or not all(isinstance(answer, str) for answer in given):
        raise ValueError(
            f"{record.where}: field 'answers' has {len(given)} entries; the rule "
            f"needs {PEOPLE} texts"
        )
    return tuple(given)
