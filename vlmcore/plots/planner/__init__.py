"""A form in a page that says what to buy, by a law and its refits, in the browser.

It needs no kernel and no other script, so it is alive in the built book, in Jupyter and
on Colab. `planner.js` repeats the rule of `vlmcore.scaling.plan`, `Planner.plan` asks
that function itself, and a test compares the two.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import NamedTuple

from vlmcore.scaling import Bootstrap, Plan, Product, candidates, plan

_FOLDER = Path(__file__).parent


class Settings(NamedTuple):
    """The settings of the form."""

    task: str
    """One of the planner's laws."""
    models: str
    """One of the planner's lists of language models."""
    text_tokens: int
    """Q"""
    budget: float
    """FLOPs for one question."""
    cached: bool = False
    """Whether the text was read before the image came, so that it costs nothing: Q = 0,
    also for the question pass."""
    encoder: bool = False
    """Whether the vision encoder counts."""
    question_pass: bool = False
    """Whether the compressor reads the question first, as QueCC does."""


@dataclass(frozen=True, eq=False)
class Planner:
    """Laws with their refits, and what can be bought.

    Attributes:
        laws: names of tasks, and the product law of each with its refits.
        models: names of lists of language models, and the sizes in each; None for any
            size, with any whole V.
        tokens: values of V that go with the sizes.
        encoder_flops: cost of the vision encoder where it counts.
        name: of the form; two on a page need two names.

    Raises:
        ValueError: a law is no product, for the browser knows only that form.

    Example:
        `Planner({"visual": refits}, {"published": [1.8e9, 7e9]}, [1, 16, 576], 4e11)`
    """

    laws: Mapping[str, Bootstrap]
    models: Mapping[str, Sequence[float] | None]
    tokens: Sequence[int]
    encoder_flops: float
    name: str = "planner"

    def __post_init__(self) -> None:
        for task, refits in self.laws.items():
            if type(refits.fit.law) is not Product:
                raise ValueError(
                    f"the law of {task!r} is {refits.fit.law}; the planner evaluates "
                    "products only, so fit `Product`"
                )

    def plan(self, settings: Settings) -> Plan:
        """The answer of the form.

        Raises:
            ValueError: the budget buys nothing.
        """
        sizes = self.models[settings.models]
        table = candidates(
            self.tokens if sizes is not None else range(1, max(self.tokens) + 1),
            0 if settings.cached else settings.text_tokens,
            sizes=sizes,
            budget=settings.budget if sizes is None else None,
            encoder_flops=self.encoder_flops * settings.encoder,
            question_pass=settings.question_pass,
        )
        return plan(self.laws[settings.task], table, settings.budget)

    def _repr_html_(self) -> str:
        data = {
            "laws": {
                task: refits.to_json() | {"measured": refits.fit.points.range._asdict()}
                for task, refits in self.laws.items()
            },
            "models": {
                label: sizes and list(sizes) for label, sizes in self.models.items()
            },
            "tokens": list(self.tokens),
            "encoder": self.encoder_flops,
        }
        page = Template((_FOLDER / "planner.html").read_text())
        return page.substitute(
            name=self.name,
            tasks=_options(self.laws),
            models=_options(self.models),
            script=(_FOLDER / "planner.js").read_text(),
            data=json.dumps(data, separators=(",", ":")),
        )


def _options(labels: Mapping[str, object]) -> str:
    return "".join(f"<option>{label}</option>" for label in labels)
