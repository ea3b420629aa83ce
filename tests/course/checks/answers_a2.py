"""Right answers to A2 by other methods than the master's, and wrong trainings."""

import numpy as np
import torch
from einops import rearrange
from scipy import stats
from torch.nn import functional as F

from vlmcore.course.checks.a2 import COLOURS, QUESTION_WIDTH, WIDTH, coloured_images


def rearranged(patches, k):
    side = round(np.shape(patches)[1] ** 0.5)
    if side % k:
        raise ValueError("the side is no multiple of k")
    pattern = "b (y i x j) d -> b (y x) (i j) d"
    g = side // k
    return rearrange(np.asarray(patches), pattern, y=g, i=k, x=g, j=k)


def listed(patches, k):
    x = np.asarray(patches)
    side = int(np.sqrt(x.shape[1]))
    if side % k != 0:
        raise ValueError(side)
    index = [
        [(y * k + i) * side + column * k + j for i in range(k) for j in range(k)]
        for y in range(side // k)
        for column in range(side // k)
    ]
    return x[:, np.array(index)]


def unfolded(patches, k):
    x = torch.as_tensor(np.array(patches)).double()
    b, count, d = x.shape
    side = round(count**0.5)
    if side % k:
        raise ValueError(side)
    cut = F.unfold(x.transpose(1, 2).reshape(b, d, side, side), k, stride=k)
    return cut.unflatten(1, (d, k * k)).permute(0, 3, 2, 1)


def by_pytorch(queries, keys, values, heads):
    q, k, v = (torch.as_tensor(np.array(a)).double() for a in (queries, keys, values))
    b, count, d = q.shape
    q = q.reshape(b * count, 1, heads, -1).transpose(1, 2)
    k, v = (x.reshape(b * count, -1, heads, d // heads).transpose(1, 2) for x in (k, v))
    mixed = F.scaled_dot_product_attention(q, k, v)
    return mixed.transpose(1, 2).reshape(b, count, d).numpy()


def head_by_head(queries, keys, values, heads):
    q, k, v = (np.asarray(a, float) for a in (queries, keys, values))
    size = q.shape[-1] // heads
    parts = []
    for h in range(heads):
        own = slice(h * size, (h + 1) * size)
        scores = (q[:, :, None, own] * k[..., own]).sum(-1) / np.sqrt(size)
        weights = np.exp(scores)
        weights /= weights.sum(-1, keepdims=True)
        parts.append((weights[..., None] * v[..., own]).sum(2))
    return np.concatenate(parts, -1)


def looped(queries, keys, values, heads):
    out = np.zeros(np.shape(queries))
    for b, tokens in enumerate(np.asarray(queries)):
        for i, query in enumerate(tokens):
            for part in np.split(np.arange(len(query)), heads):
                key, value = (np.asarray(a)[b, i][:, part] for a in (keys, values))
                weights = np.exp(key @ query[part] / len(part) ** 0.5)
                out[b, i, part] = weights @ value / weights.sum()
    return out


def quecc_with(cut, attend):
    """The module as functions of arrays, with other regions and attention."""

    def answer(weights, patches, question, k, heads, switches):
        w = {name: np.asarray(a, float) for name, a in weights.items()}
        x, t = np.asarray(patches, float), np.asarray(question, float)

        def linear(z, name):
            return z @ w[f"{name}.weight"].T + w[f"{name}.bias"]

        def norm(z, name):
            z = z - z.mean(-1, keepdims=True)
            z = z / np.sqrt((z**2).mean(-1, keepdims=True) + 1e-6)
            return z * w[f"{name}.weight"] + w[f"{name}.bias"]

        def mapped(z):
            z = linear(z, "query_in")
            if switches["nonlinear"]:
                z = linear(z * stats.norm.cdf(z), "query_out")
            return norm(z, "query_norm")

        seen = x
        if switches["inject"]:
            seen = x + norm(linear(t, "question_map"), "question_norm")[:, None]
        if switches["learned"]:
            kernel = w["down.weight"][:, 0].reshape(len(w["down.bias"]), -1).T
            parts = np.asarray(cut(mapped(seen), k))
            queries = (parts * kernel).sum(2) + w["down.bias"]
        else:
            side = round(x.shape[1] ** 0.5)
            grid = torch.as_tensor(seen).transpose(1, 2).unflatten(2, (side, side))
            small = F.interpolate(grid, size=(side // k, side // k), mode="bilinear")
            queries = mapped(small.flatten(2).transpose(1, 2).numpy())
        keys, values = (
            np.asarray(cut(norm(linear(x, name), f"{name}_norm"), k))
            for name in ("key", "value")
        )
        return linear(np.asarray(attend(queries, keys, values, heads)), "out")

    return answer


def summed(d, e, k, inject, nonlinear, learned):
    shapes = [(d, d), (d,)] * 3 + [(d,)] * 6 + [(e, d), (e,)]
    shapes += [(d, e), (d,), (d,), (d,)] * inject + [(d, d), (d,)] * nonlinear
    shapes += [(d, 1, k, k), (d,)] * learned
    return int(sum(np.prod(shape) for shape in shapes))


def collected(d, e, k, inject, nonlinear, learned):
    wide = (3 + nonlinear) * d + e * (1 + inject) + (k * k + 1) * learned
    return d * (wide + 9 + 3 * inject + nonlinear) + e


def of_the_module(right):
    """Counts the parameters of the master's class."""

    def answer(d, e, k, inject, nonlinear, learned):
        module = right.QueCC(d, e, k, 1, bool(inject), bool(nonlinear), bool(learned))
        return sum(p.numel() for p in module.parameters())

    return answer


def with_lists(tokens_of):
    """Names by the parts that the method section gives to each switch."""
    parts = {"inject": "question_", "nonlinear": "query_out.", "learned": "down."}

    def answer(weights, patches, question, k, heads):
        found = {
            switch: [name for name in sorted(weights) if name.startswith(part)]
            for switch, part in parts.items()
        }
        gone = {name for names in found.values() for name in names}
        left = {name: w for name, w in weights.items() if name not in gone}
        off = dict.fromkeys(parts, False)
        return found | {"tokens": tokens_of(left, patches, question, k, heads, off)}

    return answer


def unexpected(right):
    """What a module without a part does not know when it is given all weights."""

    def answer(weights, patches, question, k, heads):
        e, d = np.shape(weights["out.weight"])
        state = {name: torch.as_tensor(np.array(w)) for name, w in weights.items()}

        def loaded(**off):
            module = right.QueCC(d, e, k, heads, **off).double()
            return module, module.load_state_dict(state, strict=False).unexpected_keys

        switches = ("inject", "nonlinear", "learned")
        module, _ = loaded(**dict.fromkeys(switches, False))
        x, t = (torch.as_tensor(np.array(a)).double() for a in (patches, question))
        found = {switch: sorted(loaded(**{switch: False})[1]) for switch in switches}
        return found | {"tokens": module(x, t).detach()}

    return answer


def train_with(optimizer, shuffle=False, same_seed=False, still=False, ignore=False):
    """A training, perhaps with one mistake."""

    def make(right):
        def answer(seed, inject, steps):
            seed = 0 if same_seed else seed
            torch.manual_seed(seed)
            rng = np.random.default_rng(seed)
            use = True if ignore else inject
            module = right.QueCC(WIDTH, QUESTION_WIDTH, k=4, heads=2, inject=use)
            head = torch.nn.Linear(QUESTION_WIDTH, COLOURS)
            rate = 0.0 if still else 0.01
            steps_of = optimizer([*module.parameters(), *head.parameters()], lr=rate)
            losses = []
            for _ in range(steps):
                patches, questions, colours = coloured_images(rng, 64)
                questions = rng.permutation(questions) if shuffle else questions
                x, t = torch.as_tensor(patches), torch.as_tensor(questions)
                tokens = module(x, t)[:, 0]
                loss = F.cross_entropy(head(tokens), torch.as_tensor(colours))
                steps_of.zero_grad()
                loss.backward()
                steps_of.step()
                losses.append(float(loss))
            return losses

        return answer

    return make


def paired(curves, base):
    found = {}
    for name, scores in curves.items():
        test = stats.ttest_rel(scores, base)
        low, high = test.confidence_interval(0.95)
        word = "cannot tell" if low <= 0 <= high else "helps" if low > 0 else "hurts"
        found[name] = (np.mean(scores) - np.mean(base), low, high, word)
    return found


def one_sample(curves, base):
    found = {}
    for name, scores in curves.items():
        gaps = [s - b for s, b in zip(scores, base, strict=True)]
        low, high = stats.t.interval(
            0.95, len(gaps) - 1, loc=np.mean(gaps), scale=stats.sem(gaps)
        )
        words = {(True, True): "helps", (False, False): "hurts"}
        found[name] = [
            np.mean(gaps),
            low,
            high,
            words.get((low > 0, high > 0), "cannot tell"),
        ]
    return found


def by_formula(curves, base):
    n = len(base)
    names, table = list(curves), np.array(list(curves.values())) - np.array(base)
    mean = table.sum(1) / n
    error = np.sqrt(((table - mean[:, None]) ** 2).sum(1) / (n - 1) / n)
    half = -stats.t.ppf(0.025, n - 1) * error
    word = np.select([mean > half, mean < -half], ["helps", "hurts"], "cannot tell")
    return {
        name: [m, m - h, m + h, str(w)]
        for name, m, h, w in zip(names, mean, half, word, strict=True)
    }


OTHER = {
    "q1": {"einops": rearranged, "index": listed, "unfold": unfolded},
    "q2": {"pytorch": by_pytorch, "heads": head_by_head, "loops": looped},
    "q3": {
        "einops and pytorch": quecc_with(rearranged, by_pytorch),
        "index and heads": quecc_with(listed, head_by_head),
        "unfold and loops": quecc_with(unfolded, looped),
    },
    "q4": {"shapes": summed, "formula": collected},
    "q5": {"arrays": with_lists(quecc_with(listed, head_by_head))},
    "q6": {},
    "q7": {"scipy": paired, "interval": one_sample, "formula": by_formula},
}
"""Maps a question to answers by name."""
MADE = {
    "q4": {"module": of_the_module},
    "q5": {
        "lists": lambda right: with_lists(right.outputs),
        "unexpected": unexpected,
    },
    "q6": {
        "AdamW": train_with(torch.optim.AdamW),
        "NAdam": train_with(torch.optim.NAdam),
        "RAdam": train_with(torch.optim.RAdam),
    },
}
"""The same, made of the right answers."""
WRONG = {
    "two seeds gave the same losses": train_with(torch.optim.Adam, same_seed=True),
    "are the weights updated": train_with(torch.optim.Adam, still=True),
    "keep its own question": train_with(torch.optim.Adam, shuffle=True),
    "use `inject`": train_with(torch.optim.Adam, ignore=True),
}
"""Maps the sentence of a mistake in question 6 to a training of the right answers."""
