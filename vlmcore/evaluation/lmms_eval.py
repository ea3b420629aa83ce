"""Models of this package in the harness lmms-eval, which is no dependency.

    pip install lmms-eval
    lmms-eval --model vlmcore --model_args pretrained=FOLDER --tasks pope --batch_size 8

The harness finds `manifest` by the entry point of its group `lmms_eval.models`. It asks
in its own prompts and scores by its own rules, so its numbers are a second opinion and
not those of `vlmcore evaluate`. Importing this module does not import the harness.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

import numpy as np
import torch

from vlmcore.config.validation import whole
from vlmcore.evaluation.hub_models import load_model
from vlmcore.evaluation.image_loading import preparation
from vlmcore.models.vlm import VLM

_LONGEST = 16
"""Tokens of an answer, where a task does not say it."""


def manifest() -> Any:
    """The entry of this package in the harness's list of models."""
    from lmms_eval.models.registry_v2 import ModelManifest

    return ModelManifest("vlmcore", simple_class_path=f"{__name__}.VLMCore")


def answer_requests(
    model: Any, requests: Sequence[Any], documents: Any, batch_size: int
) -> list[str]:
    """Answers requests of the harness, in their order.

    Args:
        model: a VLM or a `HubModel`.
        requests: each has `args`: prompt, options, and how to find the image.
        documents: by task and split.
        batch_size: requests a step.

    Raises:
        ValueError: a request shows several images.
    """
    texts: list[str] = []
    for options, part in groupby(requests, key=lambda request: _options(request.args)):
        longest, until = options
        while some := list(islice(part, batch_size)):
            prompts = [request.args[0] for request in some]
            images = [_image(request.args, documents) for request in some]
            answers = _ask(model, images, prompts, longest)
            texts += [_before(text, until) for text in answers]
    return texts


def _options(arguments: Sequence[Any]) -> tuple[int, tuple[str, ...]]:
    given = arguments[1]
    until = given.get("until") or ()
    stops = (until,) if isinstance(until, str) else tuple(until)
    return whole("max_new_tokens", given.get("max_new_tokens", _LONGEST)), stops


def _image(arguments: Sequence[Any], documents: Any) -> Any:
    _, _, find, number, task, split = arguments
    images = list(_flat(find(documents[task][split][number]) or []))
    if len(images) > 1:
        raise ValueError(
            f"task {task} shows {len(images)} images at once; these models take one"
        )
    return images[0] if images else None


def _flat(images: Iterable[Any]) -> Iterator[Any]:
    for image in images:
        if isinstance(image, list | tuple):
            yield from _flat(image)
        else:
            yield image


def _ask(
    model: Any, images: Sequence[Any], prompts: Sequence[str], longest: int
) -> list[str]:
    prepare = preparation(model)
    seen: Any = [prepare(image) for image in images]
    if isinstance(model, VLM):
        seen = torch.from_numpy(np.concatenate(seen))
    return [text.strip() for text in model.ask(seen, prompts, longest)]


def _before(text: str, until: Sequence[str]) -> str:
    for stop in until:
        text = text.split(stop)[0] if stop else text
    return text.strip()


def _model_class() -> type:
    """The harness's class of a model; it exists only where the harness does."""
    from lmms_eval.api.model import lmms

    class VLMCore(lmms):
        """A model of this package, or of the hub, by its folder or name."""

        def __init__(
            self,
            pretrained: str,
            batch_size: int | str = 1,
            device: str = "auto",
            **_: Any,
        ) -> None:
            super().__init__()
            self.model = load_model(pretrained, device or "auto")
            self.batch_size = whole("batch_size", int(batch_size))
            module = self.model if isinstance(self.model, VLM) else self.model.model
            self.device = next(module.parameters()).device  # of several processes

        def generate_until(self, requests: Sequence[Any]) -> list[str]:
            """Answers every request greedily."""
            return answer_requests(
                self.model, requests, self.task_dict, self.batch_size
            )

        def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
            """Is of no use here: the benchmarks of the book generate."""
            raise NotImplementedError("these models answer by generating")

        def generate_until_multi_round(self, requests: Sequence[Any]) -> list[str]:
            """Is of no use here: a question is asked once."""
            raise NotImplementedError("these models answer one question at a time")

    return VLMCore


def __getattr__(name: str) -> Any:
    """Makes the class when the harness asks for it."""
    if name != "VLMCore":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, _model_class())
