"""Hidden tests of A1: 20 points, and 2 by hand. They are left out of the release.

The functions above the tests are the reference. Each can make a mistake, by name; the
public check has the numbers of both, which `tables()` makes.
"""

import itertools
import math

import numpy as np
import pytest

from vlmcore.course.checks import check
from vlmcore.course.checks.a1 import random_case, random_config
from vlmcore.course.checks.tables import agree

NAMES = {
    "q1": "language_parameters",
    "q2": "flops",
    "q3": "memory_use",
    "q4": "latency",
    "q5": "prices",
    "q6": "plan",
}
REFUSED = [
    "vlmcore.cost.language_parameters",
    "vlmcore.cost.language_flops",
    "vlmcore.cost.head_flops",
    "vlmcore.cost.kv_cache_bytes",
    "vlmcore.cost.paper_flops",
]
BY_HAND = [
    (
        "q7",
        2,
        "One point: names a place where 2N(Q + V) misled, with a number of their own "
        "(head, attention, encoder, or bytes in decoding). One point: says which price "
        "they would report for their model and for whom.",
    )
]


def matrices(c, wrong=""):
    """Numbers in the matrices of one layer."""
    e, head = c["width"], c["head_dim"]
    if wrong == "head size":
        head = e // c["heads"]
    shared = c["heads"] if wrong == "full keys" else c["kv_heads"]
    mlp = 2 if wrong == "two matrices" else 3
    return 2 * e * c["heads"] * head + 2 * e * shared * head + mlp * e * c["mlp"]


def language_parameters(c, wrong=""):
    e, layers = c["width"], 1 if wrong == "one layer" else c["layers"]
    norms = 0 if wrong == "no norms" else 2 * e
    norms += 2 * c["head_dim"] * (c["qk_norm"] and wrong != "no norm of queries")
    last = 0 if wrong in ("no norms", "no last norm") else e
    table = c["vocab"] * e
    head = table if wrong == "tied twice" or not c["tied"] else 0
    block = layers * (matrices(c, wrong) + norms) + last
    total = table + block + head
    return {"embedding": table, "block": block, "head": head, "total": total}


def flops(c, new, past, wrong=""):
    window = 10**9 if wrong == "no window" else c["window"]
    if wrong == "square":
        pairs = new * min(past + new, window)
    else:
        start = 0 if wrong == "no past" else past
        pairs = sum(min(start + i, window) for i in range(1, new + 1))
    heads = c["kv_heads"] if wrong == "shared heads" else c["heads"]
    table = c["vocab"] * c["width"]
    linear = 2 * new * c["layers"] * matrices(c)
    linear += 2 * new * table * (wrong == "embedding")
    found = {
        "linear": linear,
        "attention": 4 * heads * c["head_dim"] * pairs * c["layers"],
        "head": 2 * table * (new if wrong == "all positions" else 1),
    }
    return {k: v / 2 for k, v in found.items()} if wrong == "one operation" else found


def cache(c, tokens, batch, size, wrong=""):
    tokens = tokens if wrong == "no window" else min(tokens, c["window"])
    heads = c["heads"] if wrong == "query heads" else c["kv_heads"]
    layers = 1 if wrong == "no layers" else c["layers"]
    both = 1 if wrong == "keys only" else 2
    size = 8 * size if wrong == "bits" else size
    return both * layers * heads * c["head_dim"] * tokens * batch * size


def memory_use(c, tokens, batch, memory, size, wrong=""):
    weights = 0 if wrong == "no weights" else language_parameters(c)["total"] * size
    most = (memory - weights) / cache(c, tokens, 1, size, wrong)
    most = math.ceil(most) if wrong == "up" else math.floor(most)
    return {
        "cache": cache(c, tokens, batch, size, wrong),
        "largest_batch": most if wrong == "negative" else max(0, most),
    }


def latency(c, q, v, answer, batch, device, cached_text, wrong=""):
    def step(new, past):
        operations = batch * sum(flops(c, new, past).values())
        weights = language_parameters(c)["block"] + c["vocab"] * c["width"]
        read = (
            weights
            * device["bytes_per_value"]
            * (batch if wrong == "weights for each" else 1)
        )
        read += cache(c, past, batch, device["bytes_per_value"])
        times = operations / device["flops"], read / device["bandwidth"]
        if wrong == "flops only":
            return times[0]
        return sum(times) if wrong == "sum" else max(times)

    cached = cached_text and wrong != "text again"
    prefill = step(v, q) if cached else step(q + v, 0)
    count = answer if wrong == "one too many" else answer - 1
    grows = 0 if wrong == "no growth" else 1
    decode = sum(step(1, q + v + grows * i) for i in range(count))
    scale = 1000 if wrong == "milliseconds" else 1
    return [scale * prefill, scale * decode]


def prices(case, wrong=""):
    c, q, device = case["config"], case["q"], case["device"]
    text = 0 if wrong == "no text" else q

    def prefill(v):
        head = 0 if wrong == "no head" else flops(c, 1, 0)["head"]
        found = flops(c, text + v, 0)
        return found["linear"] + found["attention"] + head

    extra = case["encoder_flops"] if wrong == "with encoder" else 0

    def seconds(v):
        found = latency(c, q, v, case["answer"], 1, device, False)
        return found[0] if wrong == "prefill only" else sum(found)

    crossing = next(
        v for v in itertools.count(1) if prefill(v) >= case["encoder_flops"]
    )
    operations = sum(flops(c, 1, q + 1).values()) / device["flops"]
    size = device["bytes_per_value"]
    read = language_parameters(c)["block"] + c["vocab"] * c["width"]
    read = (read * size + cache(c, q + 1, 1, size)) / device["bandwidth"]
    binding = "flops" if operations > read else "bytes"
    if wrong == "other price":
        binding = {"flops": "bytes", "bytes": "flops"}[binding]
    return {
        "crossing": crossing,
        "flops_factor": (extra + prefill(576)) / (extra + prefill(1)),
        "seconds_factor": seconds(576) / seconds(1),
        "binding": binding,
    }


def plan(law, budget, q, sizes, tokens, encoder, price, wrong=""):
    ab, alpha, beta, floor = law
    fixed = encoder if price == "whole" and wrong != "no encoder" else 0

    def cost(n, v):
        return 2 * n * (q + v) + fixed

    def error(n, v):
        seen = v + q if wrong == "text in the error" else v
        return ab * (n / 1e9) ** -alpha * seen**-beta + floor

    bought = [(n, v) for n in sizes for v in tokens if cost(n, v) <= budget]
    if wrong == "one token":
        bought = [(n, v) for n, v in bought if v == min(tokens)]
    if not bought:
        return None
    if wrong == "rounded":
        inner = beta * q / (alpha - beta) if alpha > beta else max(tokens)
        v = min(tokens, key=lambda t: abs(t - min(max(inner, 1), max(tokens))))
        exact = (budget - fixed) / (2 * (q + v))
        return [min(sizes, key=lambda n: abs(n - exact)), v]
    if wrong == "cheapest":
        return list(min(bought, key=lambda b: cost(*b)))
    return list(min(bought, key=lambda b: (error(*b), cost(*b))))


MISTAKES = {
    "q1": {
        "full keys": "your keys and values have as many heads as the queries; this "
        "model shares them: W_k and W_v are width x (kv_heads * head_dim).",
        "head size": "you took width / heads for the size of a head; the config says "
        "head_dim.",
        "two matrices": "a gated MLP has three matrices (gate, up, down); you counted "
        "two.",
        "tied twice": "this head is the embedding's own matrix: it has no parameters "
        "of its own.",
        "no norms": "the norms are missing: two a layer and one at the end, each of "
        "width numbers, and those of queries and keys.",
        "no last norm": "you are one width short: there is a norm after the last "
        "layer.",
        "one layer": "that is one layer; multiply by `layers`.",
        "no norm of queries": "with qk_norm each layer norms its queries and keys, "
        "with head_dim numbers for each of the two.",
    },
    "q2": {
        "one operation": "a multiply-add is two operations: everything is half.",
        "embedding": "looking up an embedding costs no multiplication.",
        "no past": "a new token attends to the cached ones too: past is not used.",
        "square": "each token sees itself and the earlier ones only: sum over i of "
        "(past + i), not new * (past + new).",
        "shared heads": "grouped keys are shared, but every query head still "
        "multiplies: kv_heads saves bytes, not these FLOPs.",
        "all positions": "only the last position needs the head.",
        "no window": "a token attends to at most `window` tokens, itself among them.",
    },
    "q3": {
        "keys only": "keys and values: the cache is twice that.",
        "query heads": "the cache holds kv_heads heads, not those of the queries.",
        "no layers": "every layer has a cache of its own: multiply by `layers`.",
        "bits": "bytes_per_value is in bytes: a bfloat16 has 2, not 16.",
        "no weights": "the weights lie in the same memory, all of them: subtract them "
        "before you divide.",
        "up": "you rounded up: that batch no longer fits.",
        "negative": "a batch below zero: where the weights do not fit, return 0.",
        "no window": "a layer never reads more than `window` tokens back, so it keeps "
        "no more.",
    },
    "q4": {
        "flops only": "you divided FLOPs only: a step also has to read all weights, "
        "and at batch 1 it waits for memory. Take the larger time.",
        "weights for each": "a batch shares one reading of the weights; only the cache "
        "is read for each.",
        "text again": "the text is cached: the prefill processes the V visual tokens "
        "after Q cached ones.",
        "no growth": "the cache grows by one with each token: the steps are not all "
        "alike.",
        "milliseconds": "that is in milliseconds; return seconds.",
        "sum": "you added both times: reading and computing overlap, so a step takes "
        "the larger one.",
        "one too many": "the prefill gives the first token of the answer: answer - 1 "
        "steps are left.",
    },
    "q5": {
        "no text": "the prefill reads Q text tokens as well as V visual ones.",
        "no head": "the prefill ends with the output head at one position.",
        "with encoder": "flops_factor compares the language model with itself: leave "
        "the encoder out of it.",
        "prefill only": "seconds_factor is of the whole answer: prefill and decode.",
        "other price": "binding is the price of one decoding step at batch 1, V = 1: "
        "compare FLOPs / peak with bytes / bandwidth.",
    },
    "q6": {
        "rounded": "you rounded V and N on their own: what is on the shelf has to be "
        "chosen together, and within the budget.",
        "one token": "you bought the largest model with the fewest tokens: that is "
        "best at Q = 0.",
        "no encoder": 'with the price "whole" the encoder is paid from the same '
        "budget.",
        "text in the error": "Q is a part of the cost, not of the error: that has V "
        "alone.",
        "cheapest": "that is the cheapest, not the best within the budget.",
    },
}
REFERENCE = {
    "q1": language_parameters,
    "q2": flops,
    "q3": memory_use,
    "q4": latency,
    "q5": prices,
    "q6": plan,
}
NEAR = {"q1": 1e-9, "q2": 1e-9, "q3": 1e-9, "q4": 1e-6, "q5": 1e-3, "q6": 1e-9}
"""Relative distance at which an answer agrees."""
SMALL = {
    "width": 1536,
    "layers": 20,
    "heads": 16,
    "kv_heads": 4,
    "head_dim": 128,
    "mlp": 5120,
    "vocab": 50_000,
    "tied": True,
    "qk_norm": True,
    "window": 512,
}
UNTIED = SMALL | {"tied": False, "heads": 12, "kv_heads": 12, "qk_norm": False}
CARD = {"flops": 2e14, "bandwidth": 1e12, "bytes_per_value": 2}
SHELF = [[5e8, 1e9, 2e9, 4e9, 8e9], [1, 4, 16, 36, 64, 144, 576]]
ROOMY, TIGHT = 8_000_000_000, 1_000_000_000
EVEN = [0.5, 0.06, 0.03, 0.1]
FEW, MANY = [0.6, 0.08, 0.02, 0.1], [0.5, 0.03, 0.04, 0.1]
LONG, SHORT = {"q": 50, "answer": 6}, {"q": 20, "answer": 2}
CROWDED = CARD | {"bandwidth": 4e14}
CASES = {
    "q1": [[SMALL], [UNTIED]],
    "q2": [[SMALL, 100, 50], [SMALL, 1, 700], [UNTIED, 600, 0]],
    "q3": [
        [SMALL, 300, 8, ROOMY, 2],
        [SMALL, 900, 1, ROOMY, 2],
        [UNTIED, 9, 1, TIGHT, 2],
    ],
    "q4": [
        [SMALL, 40, 100, 12, 1, CARD, False],
        [SMALL, 40, 576, 3, 32, CARD, True],
        [UNTIED, 20, 16, 30, 8, CARD, True],
    ],
    "q5": [
        [LONG | {"config": SMALL, "encoder_flops": 4e11, "device": CARD}],
        [SHORT | {"config": UNTIED, "encoder_flops": 4e11, "device": CROWDED}],
    ],
    "q6": [
        [EVEN, 6e11, 60, *SHELF, 0, "paper"],
        [FEW, 3e11, 60, *SHELF, 0, "paper"],
        [FEW, 7e11, 100, *SHELF, 4e11, "whole"],
        [MANY, 9e11, 30, *SHELF, 4e11, "whole"],
        [FEW, 1e9, 60, *SHELF, 4e11, "whole"],
    ],
}


def tables():
    """Returns the public check's table: right and mistaken results of each case."""
    return {
        f"a1.{q}": [
            {
                "arguments": case,
                "near": NEAR[q],
                "right": REFERENCE[q](*case),
                "mistakes": {
                    sentence: REFERENCE[q](*case, wrong=wrong)
                    for wrong, sentence in MISTAKES[q].items()
                },
            }
            for case in cases
        ]
        for q, cases in CASES.items()
    }


def agrees(submission, question, cases):
    """Asserts that an answer agrees with the reference on cases."""
    for case in cases:
        found = submission.function(NAMES[question])(*case)
        right = REFERENCE[question](*case)
        assert agree(found, right, NEAR[question]), (
            f"for another case of {NAMES[question]}, {str(case)[:300]}, you have "
            f"{str(found)[:200]}, and {str(right)[:200]} is right."
        )


def published(submission, question):
    """Asserts that the public check is content."""
    feedback = check(f"a1.{question}", submission.function(NAMES[question]))
    assert feedback.right, feedback.message


def test_q1_public(submission):
    published(submission, "q1")


@pytest.mark.points(2)
def test_q1_private(submission, variant):
    rng = variant("q1")
    agrees(submission, "q1", [[random_config(rng)] for _ in range(20)])


def test_q2_public(submission):
    published(submission, "q2")


@pytest.mark.points(2)
def test_q2_private(submission, variant):
    rng = variant("q2")
    lengths = [(576, 40), (1, 900), (700, 0), (30, 500), (200, 300), (1, 0)]
    agrees(submission, "q2", [[random_config(rng), *pair] for pair in lengths])


def test_q2_in_two_parts(submission, variant):
    config = random_config(variant("q2 parts"))
    count = submission.function("flops")
    parts = ((90, 0), (30, 0), (60, 30))
    whole, first, second = (count(config, *part) for part in parts)
    for name in ("linear", "attention"):
        assert math.isclose(whole[name], first[name] + second[name], rel_tol=1e-9), (
            f"90 tokens at once and 30 before 60 differ in {name}; with a cache they "
            "cost the same."
        )


def test_q3_public(submission):
    published(submission, "q3")


@pytest.mark.points(2)
def test_q3_private(submission, variant):
    rng = variant("q3")
    cases = [
        [
            random_config(rng),
            int(rng.integers(20, 3_000)),
            int(rng.integers(2, 30)),
            memory,
            2,
        ]
        for memory in (40_000_000_000, 12_000_000_000, 300_000_000, 80_000_000_000)
    ]
    agrees(submission, "q3", cases)


def test_q4_public(submission):
    published(submission, "q4")


@pytest.mark.points(3)
def test_q4_private(submission, variant):
    rng = variant("q4")
    cases = []
    for batch, cached in itertools.product((1, 16, 64), (False, True)):
        case = random_case(rng)
        cases.append(
            [
                case["config"],
                case["q"],
                int(rng.choice([1, 64, 576])),
                int(rng.integers(2, 30)),
                batch,
                case["device"],
                cached,
            ]
        )
    agrees(submission, "q4", cases)


def test_q5_public(submission):
    published(submission, "q5")


@pytest.mark.points(2)
def test_q5_private(submission, variant):
    rng = variant("q5")
    agrees(submission, "q5", [[random_case(rng)] for _ in range(4)])


def test_q6_public(submission):
    published(submission, "q6")


@pytest.mark.points(2)
def test_q6_private(submission, variant):
    rng = variant("q6")
    cases = []
    for budget in np.geomspace(2e11, 2e13, 8):
        alpha, beta = rng.uniform(0.02, 0.12), rng.uniform(0.01, 0.08)
        law = [0.6, float(alpha), float(beta), 0.05]
        text = int(rng.integers(0, 150))
        price = str(rng.choice(["paper", "whole"]))
        cases.append([law, float(budget), text, *SHELF, 4e11, price])
    cases += [[FEW, 1e8, 30, *SHELF, 4e11, "whole"], CASES["q6"][1]]
    agrees(submission, "q6", cases)
