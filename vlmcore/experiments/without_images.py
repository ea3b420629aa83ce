"""Reference scores without images: from the text alone, and from descriptions.

A guess from each question's text needs no model. A language model that reads
descriptions instead of images shows the errors that its visual tokens cannot remove.
"""

from pathlib import Path

from vlmcore import cost
from vlmcore.config import replace, to_dict
from vlmcore.evaluation.short_answers import question_only, score_answers
from vlmcore.experiments.records import plain_scores
from vlmcore.experiments.run_config import (
    SCHEMA,
    RunConfig,
    language_identity,
    split_of,
)
from vlmcore.experiments.runner import language_model, pretraining_seconds
from vlmcore.experiments.tasks import find_task, load_task
from vlmcore.files import stored_result, write_json
from vlmcore.training.trainer import device_of


def run_text_only(
    config: RunConfig,
    results: str | Path,
    work: str | Path,
    command: str,
    accelerator: str = "cpu",
) -> None:
    """Writes a language model's scores from descriptions instead of images.

    They are the floor under the errors of its runs. A task without descriptions has
    none, and nothing is written.

    Args:
        config: the run.
        results: folder of the result files.
        work: where the language model is.
        command: written into the result.
        accelerator: as Lightning's; the language model answers there.
    """
    path = Path(results) / f"text-{language_identity(config)}.json"
    made_of = {
        "name": "text_only",
        "schema": SCHEMA,
        "text": to_dict(config.text),
        "text_seed": config.training.seed,
    }
    if stored_result(path, **made_of):
        return
    language = language_model(config, work, progress=False)
    language = language.to(device_of(accelerator))
    scores = find_task(config.task).text_scores(language, split_of(config))
    if scores is None:
        return
    sizes = replace(config.model, language=language.config)
    result = {
        **made_of,
        "language": to_dict(language.config),
        "parameters": cost.parameters(sizes)._asdict(),
        "scores": {task: plain_scores(by_count) for task, by_count in scores.items()},
        "seconds": {"pretrain": pretraining_seconds(config, work)},
        "command": command,
    }
    write_json(path, result)


def run_question_only(task: str, results: str | Path, command: str) -> None:
    """Writes the score of the best guess from the question alone, without a model."""
    suffix = "" if task == "easyvqa" else f"-{task}"
    path = Path(results) / f"question_only{suffix}.json"
    made_of = {"name": "question_only", "task": task}
    if not stored_result(path, **made_of):
        data = load_task(task)
        scores = {
            "test": score_answers(question_only(data.train, data.test), data.test)
        }
        result = made_of | {"scores": plain_scores(scores), "command": command}
        write_json(path, result)
