"""The compressors' formulas as loops, independent of the package.

`state` is always a module's `state_dict()`.
"""

import math

import torch


def linear(state, name, x):
    y = state[f"{name}.weight"] @ x
    return y + state[f"{name}.bias"] if f"{name}.bias" in state else y


def norm(state, name, x):
    centred = x - x.mean()
    return (
        centred / (centred.square().mean() + 1e-6).sqrt() * state[f"{name}.weight"]
        + state[f"{name}.bias"]
    )


def gelu(x):
    return torch.tensor(
        [v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x.tolist()], dtype=x.dtype
    )


def mlp(state, name, x):
    return linear(state, f"{name}.2", gelu(linear(state, f"{name}.0", x)))


def normed_mlp(state, name, x):
    return norm(state, f"{name}.3", mlp(state, name, x))


def attend(state, name, query, keys, values, heads):
    """One query (d,), lists of keys and values (d,)."""
    (w_q, w_k, w_v), (b_q, b_k, b_v) = (
        state[f"{name}.in_proj_weight"].chunk(3),
        state[f"{name}.in_proj_bias"].chunk(3),
    )
    query, keys, values = (
        w_q @ query + b_q,
        [w_k @ key + b_k for key in keys],
        [w_v @ value + b_v for value in values],
    )
    width, found = len(query) // heads, []
    for h in range(heads):
        part = slice(h * width, (h + 1) * width)
        weights = torch.stack(
            [query[part] @ key[part] / math.sqrt(width) for key in keys]
        ).softmax(0)
        found.append(
            sum(w * value[part] for w, value in zip(weights, values, strict=True))
        )
    return linear(state, f"{name}.out_proj", torch.cat(found))


def region(gy, gx, k, side):
    """Row numbers of the patches in cell (gy, gx) of cells of k x k patches."""
    return [(gy * k + y) * side + gx * k + x for y in range(k) for x in range(k)]


def cells(side, v):
    """The patches of every cell, when a grid of side x side patches is cut into v."""
    g = math.isqrt(v)
    return [region(gy, gx, side // g, side) for gy in range(g) for gx in range(g)]


def mean(rows):
    return sum(rows) / len(rows)


def bilinear(patches, g):
    """Patches (p, d) at the centres of g x g cells, from 2 x 2 neighbours."""
    side, result = math.isqrt(len(patches)), []
    for y, x in ((y, x) for y in range(g) for x in range(g)):
        value = 0
        for row, of_row in near(y, g, side):
            for column, of_column in near(x, g, side):
                value = value + of_row * of_column * patches[row * side + column]
        result.append(value)
    return result


def near(i, new, old):
    at = max(0.0, (i + 0.5) * old / new - 0.5)
    low = math.floor(at)
    return [(low, 1 - (at - low)), (min(low + 1, old - 1), at - low)]


def bicubic(patches, g):
    """As `bilinear`, from 4 x 4 neighbours with the weights of Keys, a = -0.75."""
    side, result = math.isqrt(len(patches)), []
    for y, x in ((y, x) for y in range(g) for x in range(g)):
        value = 0
        for row, of_row in taps(y, g, side):
            for column, of_column in taps(x, g, side):
                value = value + of_row * of_column * patches[row * side + column]
        result.append(value)
    return result


def taps(i, new, old):
    at, a = (i + 0.5) * old / new - 0.5, -0.75
    low = math.floor(at)
    for position in range(low - 1, low + 3):
        t = abs(at - position)
        weight = (
            (a + 2) * t**3 - (a + 3) * t**2 + 1
            if t <= 1
            else a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
        )
        yield min(max(position, 0), old - 1), weight
