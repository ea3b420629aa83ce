"""Right ways to leave doubtful points out, for question 6 of A3."""

import itertools


def subsets_by(ways, fit):
    def answer(scores, doubtful, task):
        doubted = doubtful.loc[doubtful["set"] == task]
        keys = list(
            zip(
                (doubted["params_billion"] * 1e3).round().astype(int),
                doubted["visual_tokens"].astype(int),
                strict=True,
            )
        )
        names = list(
            zip(
                (scores["params"] / 1e6).round().astype(int),
                scores["visual_tokens"].astype(int),
                strict=True,
            )
        )
        ratios = []
        for gone in ways(keys):
            kept = scores[[name not in gone for name in names]]
            _, alpha, beta, _ = fit(
                kept["params"].to_numpy() / 1e9,
                kept["visual_tokens"].to_numpy(float),
                kept["error"].to_numpy(),
            )
            ratios.append(alpha / beta)
        return [min(ratios), max(ratios)]

    return answer


def combined(keys):
    return [
        set(some)
        for count in range(len(keys) + 1)
        for some in itertools.combinations(keys, count)
    ]


def by_bits(keys):
    return [
        {key for i, key in enumerate(keys) if number >> i & 1}
        for number in range(2 ** len(keys))
    ]


def grown(keys):
    found = [frozenset()]
    for key in keys:
        found += [some | {key} for some in found]
    return found
