"""Grids of results planted from known laws."""

import json
from itertools import product

import numpy as np

from vlmcore.config import QueCCConfig, VLMConfig, to_dict
from vlmcore.cost import parameters
from vlmcore.experiments.suites.grid import GRID, GRID_SIZES, GRID_TOKENS
from vlmcore.scaling import Product

LAWS = {
    "knowledge": Product(AB=0.3, alpha=0.6, beta=0.02, D=0.01),
    "reasoning": Product(AB=0.5, alpha=0.2, beta=0.3, D=0.05),
    "ocr": Product(AB=0.7, alpha=0.01, beta=0.4, D=0.0),
}
COUNT = 50_000


def params_of(size):
    return parameters(VLMConfig(language=size)).language


def result(task, size, v, seed, error, order="image_first", factor=1, method="quecc"):
    """A result file's contents; `factor` times the usual steps."""
    model = VLMConfig(
        language=size, visual_tokens=v, compressor=QueCCConfig() if v else None
    )
    right = round((1 - error) * COUNT)
    score = {"value": right / COUNT, "count": COUNT}
    training = to_dict(GRID.training)
    training["align"]["steps"] *= factor
    return {
        "id": f"{task}{method}{size.width}x{size.depth}v{v}s{seed}{order}{factor}",
        "name": "run",
        "task": task,
        "compressor": method,
        "visual_tokens": v,
        "seed": seed,
        "config": {"model": to_dict(model) | {"order": order}, "training": training},
        "parameters": parameters(model)._asdict(),
        "flops": {"question_pass": 2, "prefill": 5, "decode": 1},
        "scores": {"test": {"all": score, "fact": score}, "shuffled": {"all": score}},
        "text_tokens": 3,
        "right": "1" * right + "0" * (COUNT - right),
    }


def error_of(law, size, v, tilt=0.0):
    n = params_of(size) / 1e5
    return law.AB * n ** -(law.alpha + tilt) * v**-law.beta + law.D


def write(folder, *arguments, **options):
    """Writes the result that these arguments of `result` describe."""
    save(folder, result(*arguments, **options))


def save(folder, content):
    folder.mkdir(exist_ok=True)
    (folder / f"{content['id']}.json").write_text(json.dumps(content))


def plant(folder, laws=LAWS, seeds=(0, 1, 2), spread=0.0):
    rng = np.random.default_rng(0)
    for (task, law), seed in product(laws.items(), seeds):
        tilt = rng.normal(0, spread)
        for size, v in product(GRID_SIZES, GRID_TOKENS):
            write(folder, task, size, v, seed, error_of(law, size, v, tilt))
