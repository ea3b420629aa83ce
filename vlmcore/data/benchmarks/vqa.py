"""The official files of four benchmarks with short answers.

They are VQAv2, VizWiz, TextVQA and GQA.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from vlmcore.data.benchmarks.joining import join
from vlmcore.data.benchmarks.json_stream import Record, json_items
from vlmcore.data.benchmarks.question import (
    ANNOTATORS,
    UNANSWERABLE_HINT,
    UNBALANCED,
    Question,
    short_prompt,
)
from vlmcore.data.benchmarks.skipped import Skipped, each


def vqav2(
    questions: str | Path,
    images: str | Path,
    annotations: str | Path | None = None,
    image: str = "COCO_val2014_{:012d}.jpg",
    skipped: Skipped | None = None,
) -> Iterator[Question]:
    """Reads VQAv2 (arXiv 1612.00837), by answer type.

    Args:
        questions: such as `v2_OpenEnded_mscoco_val2014_questions.json`.
        images: folder of COCO's images.
        annotations: such as `v2_mscoco_val2014_annotations.json`; None for the test
            sets, whose answers a server keeps.
        image: file name of the image with a number.
        skipped: where to report what cannot be read, instead of raising.

    Raises:
        ValueError: something is missing or wrong; the message says where.
    """
    asked = json_items(questions, "questions", broken=True)
    pairs: Iterator[tuple[Record, Record | None]] = ((record, None) for record in asked)
    if annotations:
        given = json_items(annotations, "annotations", broken=True)
        pairs = join(asked, given, "annotation", skipped)

    def question(pair: tuple[Record, Record | None]) -> Question:
        record, annotation = pair
        path = Path(images) / image.format(record.get("image_id", int))
        answers = _human_answers(annotation) if annotation else ()
        kind = annotation.get("answer_type") if annotation else "all"
        prompt = short_prompt(record.get("question"))
        return Question(record.id, prompt, path, answers, kind, record.where)

    yield from each(question, pairs, skipped)


def vizwiz(
    file: str | Path, images: str | Path, skipped: Skipped | None = None
) -> Iterator[Question]:
    """Reads VizWiz (arXiv 1802.08218), by answer type.

    The prompt gives the word for a question that cannot be answered. The test file has
    no answers.
    """

    def question(record: Record) -> Question:
        name = record.get("image")
        labelled = "answers" in record.fields
        kind = record.get("answer_type") if labelled else "all"
        prompt = short_prompt(record.get("question"), UNANSWERABLE_HINT)
        answers = _human_answers(record) if labelled else ()
        return Question(name, prompt, Path(images) / name, answers, kind, record.where)

    yield from each(question, json_items(file, broken=True), skipped)


def textvqa(
    file: str | Path,
    images: str | Path,
    ocr: str | Path | None = None,
    skipped: Skipped | None = None,
) -> Iterator[Question]:
    """Reads TextVQA (arXiv 1904.08920).

    Args:
        file: such as `TextVQA_0.5.1_val.json`.
        images: folder of Open Images.
        ocr: such as `TextVQA_Rosetta_OCR_v0.2_val.json`; with it the prompt contains
            the words that a text reader found in the image, as LLaVA's does, and the
            score is no longer the model's own.
        skipped: where to report what cannot be read, instead of raising.
    """
    found = {}
    if ocr:
        for record in json_items(ocr, "data"):
            words = record.get("ocr_tokens", list)
            found[record.get("image_id")] = [str(word) for word in words]

    def question(record: Record) -> Question:
        image = record.get("image_id")
        hints = (
            [f"Reference OCR token: {', '.join(found[image])}"]
            if image in found
            else []
        )
        answers = _human_answers(record) if "answers" in record.fields else ()
        # the file has lower case; LLaVA asks with a capital
        prompt = short_prompt(record.get("question").capitalize(), *hints)
        path = Path(images) / f"{image}.jpg"
        return Question(record.id, prompt, path, answers, "all", record.where)

    yield from each(question, json_items(file, "data", broken=True), skipped)


def gqa(
    file: str | Path,
    images: str | Path,
    balanced: bool = True,
    skipped: Skipped | None = None,
) -> Iterator[Question]:
    """Reads GQA (arXiv 1902.09506), by structural type where the file has it.

    A question's further types are `binary` or `open` and its semantic type, as in GQA's
    script, which scores the balanced questions only.

    Args:
        file: such as `testdev_balanced_questions.json`, or one of all questions.
        images: folder of GQA's images.
        balanced: whether to leave out questions that are marked as not balanced.
            Consistency needs them: they are of the kind `unbalanced`, outside all other
            scores.
        skipped: where to report what cannot be read, instead of raising.
    """
    records = json_items(file, broken=True)
    for question in each(partial(_gqa_question, Path(images)), records, skipped):
        if not balanced or question.kind != UNBALANCED:
            yield question


def _gqa_question(images: Path, record: Record) -> Question:
    in_scores = record.optional("isBalanced", bool, True)
    kind, types = _gqa_types(record) if in_scores else (UNBALANCED, ())
    return Question(
        record.key or str(record.id),
        short_prompt(record.get("question")),
        images / f"{record.get('imageId')}.jpg",
        (record.get("answer"),) if "answer" in record.fields else (),
        kind,
        record.where,
        types=types,
        entailed=tuple(
            name
            for name in record.optional("entailed", list, [])
            if isinstance(name, str) and name != record.key
        ),
    )


def _gqa_types(record: Record) -> tuple[str, tuple[str, ...]]:
    """The structural type of a question, and its others."""
    types = record.optional("types", dict, {})
    kind = types.get("structural")
    if not isinstance(kind, str):
        return "all", ()
    semantic = types.get("semantic")
    more = (semantic,) if isinstance(semantic, str) else ()
    return kind, ("open" if kind == "query" else "binary", *more)


def _human_answers(record: Record) -> tuple[str, ...]:
    """Returns the answers of ten annotators: texts, or objects with a text."""
    given = [
        answer.get("answer") if isinstance(answer, dict) else answer
        for answer in record.get("answers", list)
    ]
    texts = tuple(text for text in given if isinstance(text, str))
    if not len(given) == len(texts) == ANNOTATORS:
        raise ValueError(
            f"{record.where}: field 'answers' has {len(given)} entries, of which "
            f"{len(texts)} are texts; the rule needs {ANNOTATORS} texts"
        )
    return texts
