"""Sharing a model on the hub: its folder and a model card, uploaded together."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import EvalResult, HfApi, ModelCardData

from vlmcore.config import VLMConfig
from vlmcore.config.validation import check_kind
from vlmcore.cost import parameters
from vlmcore.files import write_text


def model_card(
    config: VLMConfig,
    name: str,
    results: Mapping[str, Any] | None = None,
    *,
    license: str | None = None,
) -> str:
    """A model card in the hub's format: sizes, use and results.

    Args:
        config: of the model.
        name: on the hub, such as `someone/one-token`.
        results: a `Score` for each benchmark, as `vlmcore.evaluate(…).headline`.
        license: the hub's name of a license; those of the parts still hold.

    Raises:
        ValueError: a result is no score.
    """
    scores = dict(results or {})
    table = _table(scores)
    about = ModelCardData(
        license=license,
        library_name="vlmcore",
        pipeline_tag="image-text-to-text",
        model_name=name.split("/")[-1],
        eval_results=_evaluations(scores) or None,
    )
    size, kind = parameters(config)._asdict(), config.compressor
    seen = f"compressed by `{kind.name}`" if kind else "without an image"
    tokens = f"{config.visual_tokens} visual token{'s' * (config.visual_tokens != 1)}"
    lines = [
        f"---\n{about.to_yaml()}\n---\n\n# {name}\n",
        f"A vision-language model with {tokens} ({seen}).\n",
        "| part | parameters |\n|---|---|",
        *(f"| {part} | {count:,} |" for part, count in size.items()),
        "\n```python\nfrom vlmcore import VLM\n",
        f'vlm = VLM.from_pretrained("{name}")',
        'vlm.ask("photo.jpg", "what colour is the car?")\n```',
        *table,
    ]
    return "\n".join(lines) + "\n"


def _table(scores: Mapping[str, Any]) -> list[str]:
    """The lines of a table of results; none if there are none."""
    rows = []
    for benchmark, s in scores.items():
        if not hasattr(s, "standard_error"):
            raise ValueError(
                f"the result of {benchmark} is {s!r}; give a Score, such as "
                "vlmcore.evaluate(...).headline"
            )
        shares = f"{s.value:.4g} | {s.standard_error:.2g} | {s.chance:.3g}"
        rows.append(f"| {benchmark} | {shares} | {s.parseable:.3g} | {s.count} |")
    head = "\n| benchmark | score | ± s.e. | chance | parseable | questions |"
    return [head, "|---|---|---|---|---|---|", *rows] if rows else []


def _evaluations(scores: Mapping[str, Any]) -> list[EvalResult]:
    """Results in the hub's format."""
    return [
        EvalResult(
            task_type="visual-question-answering",
            dataset_type=benchmark,
            dataset_name=benchmark,
            metric_type="score",
            metric_value=score.value,
        )
        for benchmark, score in scores.items()
    ]


def push_to_hub(
    vlm: Any,
    name: str,
    results: Mapping[str, Any] | None = None,
    *,
    private: bool = False,
    **options: Any,
) -> str:
    """Uploads a model and its card; the token is that of `hf auth login`.

    Args:
        vlm: a VLM.
        name: on the hub.
        results: as for `model_card`.
        private: whether others may not see it.
        **options: of `model_card`.

    Returns:
        The address of the upload.
    """
    check_kind("name", name, str, "give a name on the hub, such as someone/one-token")
    card = model_card(vlm.config, name, results, **options)
    with TemporaryDirectory() as folder:
        vlm.save_pretrained(folder)
        write_text(Path(folder) / "README.md", card)
        api = HfApi()
        api.create_repo(name, private=private, exist_ok=True)
        return str(api.upload_folder(repo_id=name, folder_path=folder))
