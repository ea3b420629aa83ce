"""Hidden tests of A2: 23 points, and 2 by hand. They are left out of the release.

The functions above the tests are the reference. Each can make a mistake, by name; the
public check has the numbers of both, which `tables()` makes.
"""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional as F

from vlmcore.course.checks import check
from vlmcore.course.checks.a2.training import wrong_training
from vlmcore.course.checks.tables import agree

NAMES = {
    "q1": "regions",
    "q2": "region_attention",
    "q3": "outputs",
    "q4": "parameters",
    "q5": "ablate",
    "q6": "train",
    "q7": "verdict",
}
BY_HAND = [
    (
        "q8",
        2,
        "One point: names the noise (seeds, or the size of the test set) and says how "
        "large it is. One point: computes how many seeds or questions a difference of "
        "0.1 would need.",
    )
]
SWITCHES = ("inject", "nonlinear", "learned")


def regions(patches, k, wrong=""):
    x = np.asarray(patches, float)
    b, count, d = x.shape
    side = round(count**0.5)
    if side % k:
        raise ValueError("side")
    k = side // k if wrong == "exchanged" else k
    g = side // k
    if wrong == "runs":
        return x.reshape(b, g * g, k * k, d)
    grid = x.reshape(b, g, k, g, k, d)
    orders = {"columns": (0, 3, 1, 2, 4, 5), "inside": (0, 1, 3, 4, 2, 5)}
    order = orders.get(wrong, (0, 1, 3, 2, 4, 5))
    return grid.transpose(order).reshape(b, g * g, k * k, d)


def region_attention(queries, keys, values, heads, wrong=""):
    q, key, value = (np.asarray(a, float) for a in (queries, keys, values))
    b, v, d = q.shape
    size = d // heads
    if wrong == "all patches":
        key, value = (
            np.broadcast_to(x.reshape(b, 1, -1, d), (b, v, x[0, ..., 0].size, d))
            for x in (key, value)
        )
    if wrong == "interleaved":
        q = q.reshape(b, v, size, heads).swapaxes(-1, -2)
        key = key.reshape(b, v, -1, size, heads).swapaxes(-1, -2)
        value = value.reshape(b, v, -1, size, heads).swapaxes(-1, -2)
    else:
        q = q.reshape(b, v, heads, size)
        key = key.reshape(b, v, -1, heads, size)
        value = value.reshape(b, v, -1, heads, size)
    scale = {"whole width": d, "no scale": 1}.get(wrong, size)
    scores = np.einsum("bvhs,bvrhs->bvhr", q, key) / scale**0.5
    axis = 1 if wrong == "over regions" else -1
    weights = np.exp(scores - scores.max(axis, keepdims=True))
    weights /= weights.sum(axis, keepdims=True)
    out = np.einsum("bvhr,bvrhs->bvhs", weights, value)
    if wrong == "one head":
        return region_attention(queries, keys, values, 1)
    if wrong == "mean":
        return np.asarray(values, float).mean(2)
    return (out.swapaxes(-1, -2) if wrong == "interleaved" else out).reshape(b, v, d)


def tensor(values):
    return torch.as_tensor(np.asarray(values), dtype=torch.float64)


def norm(x, w, name):
    return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], 1e-6)


def linear(x, w, name):
    return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def outputs(weights, patches, question, k, heads, switches, wrong=""):
    w = {name: tensor(values) for name, values in weights.items()}
    x, t = tensor(patches), tensor(question)
    side = round(x.shape[1] ** 0.5)
    seen = x
    if switches["inject"]:
        if wrong == "norm first":
            t = linear(F.layer_norm(t, t.shape[-1:], eps=1e-6), w, "question_map")
        else:
            t = norm(linear(t, w, "question_map"), w, "question_norm")
        seen = t[:, None].expand_as(x) if wrong == "replaced" else x + t[:, None]

    def mapped(z):
        z = linear(z, w, "query_in")
        return linear(F.gelu(z), w, "query_out") if switches["nonlinear"] else z

    def grid(z):
        return z.transpose(1, 2).unflatten(2, (side, side))

    def down(z):
        if switches["learned"]:
            small = F.conv2d(
                grid(z), w["down.weight"], w["down.bias"], stride=k, groups=z.shape[-1]
            )
        else:
            small = F.interpolate(grid(z), scale_factor=1 / k, mode="bilinear")
        return small.flatten(2).transpose(1, 2)

    if wrong == "conv first" and switches["learned"]:
        queries = norm(down(mapped(seen)), w, "query_norm")
    elif switches["learned"] or wrong == "resize last":
        queries = down(norm(mapped(seen), w, "query_norm"))
    else:
        queries = norm(mapped(down(seen)), w, "query_norm")
    source = seen if wrong == "question in keys" else x
    keys, values = (
        norm(linear(source, w, name), w, f"{name}_norm") for name in ("key", "value")
    )
    mixed = region_attention(
        queries.numpy(), regions(keys, k), regions(values, k), heads
    )
    if wrong == "residual":
        mixed = mixed + queries.numpy()
    return linear(torch.as_tensor(mixed), w, "out").numpy()


def parameters(d, e, k, inject, nonlinear, learned, wrong=""):
    bias = 0 if wrong == "no biases" else 1
    pair = 0 if wrong == "no norms" else 2 * d
    total = 3 * (d * d + bias * d) + 3 * pair  # first query map, keys, values
    total += d * e + bias * e
    total += inject * (e * d + bias * d + pair)
    total += (nonlinear or wrong == "always all") * (d * d + bias * d)
    kernel = d * d * k * k if wrong == "dense" else d * k * k
    total += (learned or wrong == "always all") * (kernel + bias * d)
    return total


REMOVED = {
    "inject": ["question_map", "question_norm"],
    "nonlinear": ["query_out"],
    "learned": ["down"],
}
"""The parts that are not there when a switch is off."""


def ablate(weights, patches, question, k, heads, wrong=""):
    """The names that disappear at each switch, and the tokens with all three off."""

    def of(parts):
        if wrong == "no norms":
            parts = [part for part in parts if not part.endswith("norm")]
        if wrong == "modules":
            return sorted(parts)
        return sorted(name for name in weights if name.split(".")[0] in parts)

    found = {switch: of(parts) for switch, parts in REMOVED.items()}
    if wrong == "one after another":
        found["nonlinear"] = sorted(found["inject"] + found["nonlinear"])
        found["learned"] = sorted(found["nonlinear"] + found["learned"])
    if wrong == "what stays":
        found = {s: sorted({*weights} - {*names}) for s, names in found.items()}
    switches = {switch: wrong == f"{switch} on" for switch in REMOVED}
    return found | {"tokens": outputs(weights, patches, question, k, heads, switches)}


def verdict(curves, base, wrong=""):
    """Effects of changes against a baseline, paired by seed, at 95 %."""
    found = {}
    for name, scores in curves.items():
        differences = np.subtract(scores, base)
        n = len(differences)
        effect = differences.mean()
        spread = differences.std(ddof=1)
        if wrong == "unpaired":
            spread = (np.var(scores, ddof=1) + np.var(base, ddof=1)) ** 0.5
        t = 1.96 if wrong == "normal" else stats.t.ppf(0.975, n - 1)
        half = t * spread / (1 if wrong == "deviation" else n**0.5)
        if wrong == "best":
            effect = max(scores) - max(base)
        low, high = effect - half, effect + half
        word = "helps" if low > 0 else "hurts" if high < 0 else "cannot tell"
        if wrong == "sign":
            word = "helps" if effect > 0 else "hurts"
        found[name] = [float(effect), float(low), float(high), word]
    return found


REFERENCE = {
    "q1": regions,
    "q2": region_attention,
    "q3": outputs,
    "q4": parameters,
    "q5": ablate,
    "q7": verdict,
}
MISTAKES = {
    "q1": {
        "runs": "you cut the list of patches into runs: region 0 must hold rows 0 to "
        "k - 1 and columns 0 to k - 1.",
        "columns": "regions in reading order: you have them column by column.",
        "inside": "the patches of a region in reading order: you have them column by "
        "column.",
        "exchanged": "you exchanged k and side / k: each region has k * k patches.",
    },
    "q2": {
        "whole width": "you divided by the root of d: each head has d / heads numbers.",
        "no scale": "divide the scores by the root of d / heads.",
        "over regions": "your weights sum to one over regions; they must over the "
        "patches of one region.",
        "interleaved": "a head takes neighbouring numbers: the first d / heads belong "
        "to the first head.",
        "one head": "you used one head of the whole width.",
        "mean": "you returned the mean of the values: the weights follow from queries "
        "and keys.",
        "all patches": "a query saw patches of other regions: it attends to those of "
        "its own region only.",
    },
    "q3": {
        "conv first": "there is no norm after the convolution: map, norm, convolve.",
        "resize last": "not learned means resize, map, norm, in this order; they do "
        "not commute.",
        "question in keys": "the question reached keys or values: it goes into the "
        "queries only.",
        "replaced": "each region has its own query: add the question, don't put it in "
        "place of the patches.",
        "norm first": "Linear, then LayerNorm, for the question.",
        "residual": "the queries were added to the result: there is no residual.",
    },
    "q4": {
        "dense": "your convolution mixes channels: a depth-wise one has k * k weights "
        "a channel.",
        "no biases": "every linear map and the convolution have a bias.",
        "no norms": "a LayerNorm has a weight and a bias for each number.",
        "always all": "a part that is switched off has no parameters.",
    },
    "q5": {
        "inject on": "the question still reaches the queries: with all three switches "
        "off it has no part in the tokens.",
        "nonlinear on": "the second query map is still there: one linear map is left.",
        "learned on": "the convolution is still there: off means resize, map, norm.",
        "no norms": "the question's LayerNorm disappears with its linear map.",
        "modules": "give the names of the state_dict, such as query_out.weight.",
        "one after another": "switch off one at a time: what an earlier switch removed "
        "is in your later lists.",
        "what stays": "your lists have what stays; what disappears is asked for.",
    },
    "q7": {
        "unpaired": "pair by seed: take the differences first, and their spread.",
        "deviation": "you took the standard deviation for the standard error: divide "
        "by the root of the number of seeds.",
        "sign": "a verdict needs the interval: if it contains 0, nobody can tell.",
        "best": "you compared the best seeds: compare means.",
        "normal": "with few seeds 1.96 is too small: take the quantile of t.",
    },
}


def drawn_weights(rng, d, e, k, switches):
    """Random weights by name, as the module stores them."""
    shapes = {"query_in": (d, d), "key": (d, d), "value": (d, d), "out": (e, d)}
    if switches["inject"]:
        shapes["question_map"] = (d, e)
    if switches["nonlinear"]:
        shapes["query_out"] = (d, d)
    if switches["learned"]:
        shapes["down"] = (d, 1, k, k)
    weights = {}
    for name, shape in shapes.items():
        scale = 1 / np.prod(shape[1:]) ** 0.5
        weights[f"{name}.weight"] = rng.normal(0, 1.5 * scale, shape).round(3)
        weights[f"{name}.bias"] = rng.normal(0, 0.3, shape[0]).round(3)
    norms = ["query_norm", "key_norm", "value_norm"]
    for name in norms + ["question_norm"] * switches["inject"]:
        weights[f"{name}.weight"] = rng.normal(1, 0.3, d).round(3)
        weights[f"{name}.bias"] = rng.normal(0, 0.3, d).round(3)
    return weights


def module_case(rng, d, e, k, heads, side, switches):
    patches = rng.normal(0, 1, (2, side * side, d)).round(2)
    question = rng.normal(0, 1, (2, e)).round(2)
    return [
        drawn_weights(rng, d, e, k, switches),
        patches,
        question,
        k,
        heads,
        switches,
    ]


def attention_case(rng, d, heads, v=3, r=4):
    return [
        *(
            rng.normal(0, 1.5, s).round(2)
            for s in ((2, v, d), (2, v, r, d), (2, v, r, d))
        ),
        heads,
    ]


def setting(*on):
    return {name: name in on for name in SWITCHES}


def scores(rng, seeds, *effects):
    """Scores of changes that share the luck of a seed with the baseline."""
    luck = rng.normal(0.6, 0.05, seeds)
    base = (luck + rng.normal(0, 0.004, seeds)).round(4)
    curves = {
        f"change {i}": (luck + effect + rng.normal(0, 0.01, seeds)).round(4).tolist()
        for i, effect in enumerate(effects)
    }
    return [curves, base.tolist()]


def cases():
    rng = np.random.default_rng(5)
    numbered = np.arange(36.0).reshape(1, 36, 1)
    return {
        "q1": [[numbered, 2], [numbered, 3]],
        "q2": [attention_case(rng, 8, 2), attention_case(rng, 12, 4)],
        "q3": [
            module_case(rng, 4, 6, 2, 2, 4, setting(*SWITCHES)),
            module_case(rng, 4, 6, 2, 2, 4, setting("inject")),
            module_case(rng, 4, 6, 2, 1, 4, setting()),
        ],
        "q5": [
            module_case(rng, 4, 6, 2, heads, 4, setting(*SWITCHES))[:-1]
            for heads in (2, 1)
        ],
        "q4": [[16, 24, 3, 1, 1, 1], [8, 12, 2, 1, 0, 0], [8, 12, 2, 0, 1, 0]],
        "q7": [scores(rng, 5, 0.03, 0.004, -0.02), scores(rng, 4, 0.01, 0.0)],
    }


def tables():
    """Returns the public check's table: right and mistaken results of each case."""
    return {
        f"a2.{q}": [
            {
                "arguments": case,
                "near": 2e-3,
                "right": plain(REFERENCE[q](*case)),
                "mistakes": {
                    sentence: plain(REFERENCE[q](*case, wrong=wrong))
                    for wrong, sentence in MISTAKES[q].items()
                },
            }
            for case in some
        ]
        for q, some in cases().items()
    }


def plain(value):
    """Returns arrays as lists with few digits."""
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    return np.round(value, 5).tolist() if isinstance(value, np.ndarray) else value


def agrees(submission, question, some):
    """Asserts that an answer agrees with the reference on cases."""
    for case in some:
        found = submission.function(NAMES[question])(*case)
        right = REFERENCE[question](*case)
        assert agree(found, plain(right), 2e-3), (
            f"{NAMES[question]} differs from the reference on another case."
        )


def published(submission, question):
    """Asserts that the public check is content."""
    feedback = check(f"a2.{question}", submission.function(NAMES[question]))
    assert feedback.right, feedback.message


def test_q1_public(submission):
    published(submission, "q1")


def test_q1_private(submission, variant):
    rng = variant("q1")
    sizes = ((8, 2), (8, 4), (6, 3), (12, 3), (6, 1))
    agrees(submission, "q1", [[rng.normal(size=(2, s * s, 3)), k] for s, k in sizes])


def test_q1_refuses(submission):
    refused = False
    try:
        submission.function("regions")(np.zeros((1, 25, 2)), 2)
    except NotImplementedError:
        raise
    except Exception as error:
        refused = "ValueError" in f"{type(error).__name__} {error}"
    assert refused, "a side of 5 cannot be cut into regions of 2: raise a ValueError."


def test_q2_public(submission):
    published(submission, "q2")


@pytest.mark.points(2)
def test_q2_private(submission, variant):
    rng = variant("q2")
    some = [attention_case(rng, 12, heads, 5, 9) for heads in (1, 2, 3, 6)]
    agrees(submission, "q2", some)


def test_q2_stays_inside(submission, variant):
    """A patch moves the token of its own region alone."""
    queries, keys, values, heads = attention_case(variant("q2 inside"), 8, 2)
    attend = submission.function("region_attention")
    before = np.asarray(attend(queries, keys, values, heads))
    other = values.copy()
    other[:, 1, 2] += 5
    moved = np.abs(np.asarray(attend(queries, keys, other, heads)) - before).max((0, 2))
    assert moved[1] > 0.01 and moved[[0, 2]].max() < 1e-6, (
        "a patch of region 1 changed, and other tokens than token 1 moved."
    )


@pytest.mark.points(2)
def test_q3_public(submission):
    published(submission, "q3")


@pytest.mark.points(3)
def test_q3_private(submission, variant):
    """All eight settings, with private weights and sizes."""
    rng = variant("q3")
    some = []
    for number in range(8):
        switches = {name: bool(number >> i & 1) for i, name in enumerate(SWITCHES)}
        heads = int(rng.choice([1, 2, 3]))
        d, k = heads * int(rng.choice([2, 4])), int(rng.choice([2, 3]))
        some.append(module_case(rng, d, 7, k, heads, 6, switches))
    agrees(submission, "q3", some)


def test_q4_public(submission):
    published(submission, "q4")


def test_q4_private(submission, variant):
    rng = variant("q4")
    some = [
        [*map(int, rng.integers(8, 99, 2)), int(rng.choice([2, 3, 6])), *bits]
        for bits in ((1, 1, 1), (0, 0, 0), (1, 0, 1), (0, 1, 1), (0, 1, 0))
    ]
    agrees(submission, "q4", some)


def test_q5_public(submission):
    published(submission, "q5")


def test_q5_private(submission, variant):
    """Private weights; with all three off the tokens are TokenPacker's."""
    rng = variant("q5 ablate")
    for heads, k in ((1, 3), (2, 2), (3, 2)):
        case = module_case(rng, 4 * heads, 7, k, heads, 6, setting(*SWITCHES))[:-1]
        found, right = submission.function("ablate")(*case), ablate(*case)
        assert agree(found, plain(right), 2e-3), (
            "ablate differs from the reference on another case."
        )
        off = np.abs(np.asarray(found["tokens"], float) - right["tokens"]).max()
        assert off < 1e-6, (
            f"with all switches off a token is {off:.1e} away from TokenPacker's."
        )


@pytest.mark.points(2)
def test_q6_public(submission):
    published(submission, "q6")


@pytest.mark.points(2)
def test_q6_private(submission, variant):
    seed = int(variant("q6").integers(100, 10_000))
    mistake = wrong_training(submission.function("train"), seed)
    assert mistake is None, mistake


def test_q7_public(submission):
    published(submission, "q7")


@pytest.mark.points(2)
def test_q7_private(submission, variant):
    rng = variant("q7")
    some = [scores(rng, seeds, 0.03, 0.003, 0.0, -0.02) for seeds in (4, 5, 8)]
    agrees(submission, "q7", some)
