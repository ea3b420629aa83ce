"""Assignment A1, *the price of a token*: the models and machines that are drawn."""

from typing import Any

import numpy as np

from vlmcore.course.variants import variant


def own_case(student: str) -> dict[str, Any]:
    """Returns the model, question and machine of a student."""
    return random_case(variant("a1", student, "case"))


def random_config(rng: np.random.Generator) -> dict[str, int | bool]:
    """Returns the sizes of a decoder, of which some differ from width / heads."""
    kv_heads = int(rng.choice([1, 2, 4, 8]))
    return {
        "width": int(rng.choice([768, 1024, 1536, 2048, 3072, 4096])),
        "layers": int(rng.integers(12, 33)),
        "heads": kv_heads * int(rng.choice([1, 2, 3, 4])),
        "kv_heads": kv_heads,
        "head_dim": int(rng.choice([64, 96, 128])),
        "mlp": 256 * int(rng.integers(8, 44)),
        "vocab": 1000 * int(rng.integers(32, 152)),
        "tied": bool(rng.integers(2)),
        "qk_norm": bool(rng.integers(2)),
        "window": int(rng.choice([128, 256, 512, 1024])),
    }


def random_case(rng: np.random.Generator) -> dict[str, Any]:
    """Returns a model, the length of question and answer, and a machine."""
    device = {
        "flops": float(rng.choice([6e13, 1.2e14, 3.1e14, 9.9e14])),
        "bandwidth": float(rng.choice([3e11, 9e11, 2e12, 3.3e12])),
        "bytes_per_value": int(rng.choice([1, 2])),
    }
    return {
        "config": random_config(rng),
        "q": int(rng.integers(8, 121)),
        "answer": int(rng.integers(2, 41)),
        "encoder_flops": float(rng.choice([1.5e11, 3.8e11, 7e11])),
        "device": device,
    }
