"""Right answers to A1 by other methods than the master's."""

import bisect
import itertools
import math

import numpy as np
import pandas as pd
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM


def shapes(c):
    """Every matrix and norm, by name and shape."""
    e, head = c["width"], c["head_dim"]
    layer = {
        "q": (e, c["heads"], head),
        "k": (e, c["kv_heads"], head),
        "v": (e, c["kv_heads"], head),
        "o": (c["heads"], head, e),
        **dict.fromkeys(("gate", "up", "down"), (e, c["mlp"])),
        "before attention": (e,),
        "before the MLP": (e,),
    }
    norms = {"q norm": (head,), "k norm": (head,)} if c["qk_norm"] else {}
    return layer | norms


def by_shapes(c):
    layer = sum(math.prod(shape) for shape in shapes(c).values())
    table = c["vocab"] * c["width"]
    return {
        "embedding": table,
        "block": c["layers"] * layer + c["width"],
        "head": table * (not c["tied"]),
        "total": c["layers"] * layer + c["width"] + table * (2 - c["tied"]),
    }


def collected(c):
    """As one formula of the width."""
    e, table = c["width"], c["vocab"] * c["width"]
    per_width = 2 * c["head_dim"] * (c["heads"] + c["kv_heads"]) + 3 * c["mlp"] + 2
    block = e * (c["layers"] * per_width + 1)
    block += c["layers"] * 2 * c["head_dim"] * int(c["qk_norm"])
    head = 0 if c["tied"] else table
    return {
        "embedding": table,
        "block": block,
        "head": head,
        "total": table + block + head,
    }


def built(c):
    """A model of transformers, which counts itself."""
    config = Qwen3Config(
        vocab_size=c["vocab"],
        hidden_size=c["width"],
        intermediate_size=c["mlp"],
        num_hidden_layers=c["layers"],
        num_attention_heads=c["heads"],
        num_key_value_heads=c["kv_heads"],
        head_dim=c["head_dim"],
        tie_word_embeddings=c["tied"],
    )
    with torch.device("meta"):
        model = Qwen3ForCausalLM(config)
    embedding = model.get_input_embeddings().weight.numel()
    block = sum(
        p.numel()
        for name, p in model.model.named_parameters()
        if c["qk_norm"] or not name.endswith(("q_norm.weight", "k_norm.weight"))
    )
    block -= embedding
    head = 0 if c["tied"] else model.lm_head.weight.numel()
    return {
        "embedding": embedding,
        "block": block,
        "head": head,
        "total": embedding + block + head,
    }


def matrices(c):
    return sum(math.prod(s) for s in shapes(c).values() if len(s) > 1)


def flops_by(pairs):
    return lambda c, new, past: {
        "linear": 2 * new * c["layers"] * matrices(c),
        "attention": 4 * c["heads"] * c["head_dim"] * pairs(c, new, past) * c["layers"],
        "head": 2 * c["vocab"] * c["width"],
    }


def masked(c, new, past):
    query, key = np.ogrid[past : past + new, 0 : past + new]
    return int(((key <= query) & (key > query - c["window"])).sum())


def closed(c, new, past):
    short = min(max(c["window"] - past, 0), new)  # rows before the window is full
    return short * past + short * (short + 1) // 2 + (new - short) * c["window"]


def one_by_one(c, new, past):
    total = 0
    for position in range(past, past + new):
        first = max(0, position - c["window"] + 1)
        total += position - first + 1
    return total


def memory_by(fits):
    def answer(c, tokens, batch, memory, size):
        kept = min(tokens, c["window"])
        one = size * 2 * c["layers"] * c["kv_heads"] * c["head_dim"] * kept
        left = memory - size * by_shapes(c)["total"]
        return {"cache": one * batch, "largest_batch": fits(left, one)}

    return answer


def counted_up(left, one):
    most = 0
    while (most + 1024) * one <= left:
        most += 1024
    while (most + 1) * one <= left:
        most += 1
    return most


def latency_by(seen):
    def answer(c, q, v, answer, batch, device, cached_text):
        def step(new, past):
            work = batch * sum(flops_by(seen)(c, new, past).values()) / device["flops"]
            numbers = by_shapes(c)["block"] + c["vocab"] * c["width"]
            kept = 2 * c["layers"] * c["kv_heads"] * c["head_dim"]
            numbers += batch * kept * min(past, c["window"])
            wait = numbers * device["bytes_per_value"] / device["bandwidth"]
            return work if work > wait else wait

        first = (v, q) if cached_text else (q + v, 0)
        steps = np.arange(q + v, q + v + answer - 1)
        return [step(*first), float(sum(step(1, int(past)) for past in steps))]

    return answer


def prices_by(find, seen):
    def answer(case):
        c, q, device = case["config"], case["q"], case["device"]

        def work(v):
            return sum(flops_by(seen)(c, q + v, 0).values())

        def seconds(v):
            return sum(latency_by(seen)(c, q, v, case["answer"], 1, device, False))

        step = sum(flops_by(seen)(c, 1, q + 1).values()) / device["flops"]
        last = latency_by(seen)(c, q, 1, 2, 1, device, False)[1]
        return {
            "crossing": find(work, case["encoder_flops"]),
            "flops_factor": work(576) / work(1),
            "seconds_factor": seconds(576) / seconds(1),
            "binding": "flops" if math.isclose(step, last) else "bytes",
        }

    return answer


def doubled(work, target):
    high = 1
    while work(high) < target:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if work(middle) >= target else (middle, high)
    return high


def bisected(work, target):
    return 1 + bisect.bisect_left(range(1, 200_000), target, key=work)


def stepped(work, target):
    return next(v for v in itertools.count(1) if work(v) >= target)


def plan_table(law, budget, q, sizes, tokens, encoder, price):
    table = pd.DataFrame(itertools.product(sizes, tokens), columns=["n", "v"])
    table["cost"] = 2 * table["n"] * (q + table["v"]) + encoder * (price == "whole")
    scale, alpha, beta, floor = law
    table["error"] = scale * (table["n"] / 1e9) ** -alpha * table["v"] ** -beta + floor
    table = table[table["cost"] <= budget].sort_values(["error", "cost"])
    return None if table.empty else table[["n", "v"]].iloc[0].tolist()


def plan_grid(law, budget, q, sizes, tokens, encoder, price):
    n, v = np.meshgrid(sizes, tokens, indexing="ij")
    error = law[0] / (n / 1e9) ** law[1] / v.astype(float) ** law[2]
    cost = 2 * n * (q + v) + (encoder if price == "whole" else 0)
    error[cost > budget] = np.inf
    best = np.unravel_index(error.argmin(), error.shape)
    return (n[best], v[best]) if np.isfinite(error[best]) else None


def plan_each(law, budget, q, sizes, tokens, encoder, price):
    """For each V the largest N that fits, and then the best of these."""
    left = budget - (encoder if price == "whole" else 0)
    found = []
    for v in tokens:
        fitting = [n for n in sizes if 2 * n * (q + v) <= left]
        if fitting:
            n = max(fitting)
            found.append((n ** -law[1] * v ** -law[2], n, v))
    return list(min(found)[1:]) if found else None


OTHER = {
    "q1": {"shapes": by_shapes, "formula": collected, "transformers": built},
    "q2": {
        "mask": flops_by(masked),
        "closed": flops_by(closed),
        "loop": flops_by(one_by_one),
    },
    "q3": {
        "floor": memory_by(lambda left, one: max(math.floor(left / one), 0)),
        "loop": memory_by(counted_up),
        "divmod": memory_by(lambda left, one: divmod(max(left, 0), one)[0]),
    },
    "q4": {
        "closed": latency_by(closed),
        "loop": latency_by(one_by_one),
        "mask": latency_by(masked),
    },
    "q5": {
        "doubled": prices_by(doubled, closed),
        "bisect": prices_by(bisected, closed),
        "stepped": prices_by(stepped, closed),
    },
    "q6": {"table": plan_table, "grid": plan_grid, "each V": plan_each},
}
"""Maps a question to answers by name."""
