"""A model under evaluation: how it is asked, and what its answers are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from vlmcore.config.validation import whole
from vlmcore.data.benchmarks.llava import Answer
from vlmcore.data.benchmarks.question import Question
from vlmcore.evaluation.image_loading import Loaded, mark
from vlmcore.fingerprint import fingerprint, torch_version
from vlmcore.models.vlm import VLM


@dataclass(frozen=True)
class Asking:
    """How a model is asked."""

    vlm: Any
    """The model under evaluation: a VLM, or any object with `made_of` and with
    `ask(images, prompts, max_new_tokens)` for RGB images, such as a `HubModel`."""
    model: str = "vlm"
    """Name of the model, written beside its answers."""
    batch_size: int = 64
    """Questions a step."""
    max_new_tokens: int = 16
    """The longest answer."""
    workers: int = 0
    """Processes that prepare images while the model answers. A script that wants some
    needs the guard `if __name__ == "__main__":`."""
    progress: bool = False
    """Whether to show a bar with the time left."""

    def __post_init__(self) -> None:
        if not hasattr(self.vlm, "ask"):
            raise ValueError(f"a {type(self.vlm).__name__} cannot be asked; give a VLM")
        object.__setattr__(self, "batch_size", whole("batch_size", self.batch_size))

    @cached_property
    def _of_all(self) -> dict[str, Any]:
        """Everything that decides an answer, beside its question and image."""
        weights, longest = fingerprint(self.vlm), self.max_new_tokens
        return {"weights": weights, "max_new_tokens": longest, "torch": torch_version()}

    def made_of(self, question: Question) -> dict[str, Any]:
        """Everything that decides the answer to a question, for its metadata."""
        return self._of_all | {"image": mark(question.image)}

    def answers(
        self, batch: Sequence[Question], images: Sequence[Loaded]
    ) -> list[Answer]:
        """Answers to a batch, in its order; empty where the image is unreadable.

        Raises:
            ValueError: the batch is too large for the device.
        """
        readable = [row for row, loaded in enumerate(images) if not loaded.problem]
        texts = [""] * len(batch)
        if readable:
            seen: Any = [images[row].image for row in readable]
            found = self._texts(seen, [batch[row].prompt for row in readable])
            for row, text in zip(readable, found, strict=True):
                texts[row] = text.strip()
        return [
            Answer(q.id, q.prompt, text, self.model, self._metadata(loaded))
            for q, loaded, text in zip(batch, images, texts, strict=True)
        ]

    def _texts(self, images: Any, prompts: list[str]) -> Sequence[str]:
        if isinstance(self.vlm, VLM):
            images = torch.from_numpy(np.concatenate(images))
        try:
            return self.vlm.ask(images, prompts, self.max_new_tokens)
        except torch.OutOfMemoryError as error:
            raise ValueError(
                f"the device has no memory for {len(prompts)} questions at once; ask "
                "fewer in a batch, and those that have an answer are not asked again"
            ) from error

    def _metadata(self, loaded: Loaded) -> dict[str, Any]:
        problem = {"unreadable": loaded.problem} if loaded.problem else {}
        return self._of_all | {"image": loaded.mark} | problem
