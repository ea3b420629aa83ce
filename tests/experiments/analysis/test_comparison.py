import numpy as np
import pytest

from vlmcore.experiments.analysis.comparison import Comparison, crossed_mean
from vlmcore.files import write_json


def result(task, method, v, seed, right):
    value = right.count("1") / len(right)
    return {
        "task": task,
        "compressor": method,
        "visual_tokens": v,
        "seed": seed,
        "right": right,
        "parameters": {"compressor": 10, "projection": 20},
        "flops": {"encoder": 1, "prefill": 2},
        "training_tokens": 5,
        "scores": {"test": {"all": {"value": value}, "2 letters": {"value": value}}},
    }


@pytest.fixture
def folder(tmp_path):
    rights = {("quecc", 0): "1110", ("quecc", 1): "1010", ("quecc", 2): "1100"}
    rights |= {
        ("pool", 0): "0110",
        ("pool", 1): "1000",
        ("pool", 2): "0000",
        ("pool", 3): "0010",
    }
    for (method, seed), right in rights.items():
        write_json(
            tmp_path / f"{method}{seed}.json", result("letters", method, 1, seed, right)
        )
    write_json(tmp_path / "question_only.json", {"name": "question_only"})
    return tmp_path


def test_pairs_are_of_one_seed_and_one_question(folder):
    race = Comparison(folder)
    assert race.accuracy("letters", "pool", 1).value == pytest.approx(4 / 16)
    found = race.difference("letters", ("quecc", 1), ("pool", 1))
    assert (found.seeds, found.questions) == (
        3,
        4,
    )  # the fourth seed of pooling has no partner
    assert found.value == pytest.approx(
        (1 + 0 + 0 + 0 + 0 + 0 + 1 + 0 + 1 + 1 + 0 + 0) / 12
    )
    assert race.difference("letters", ("pool", 1), ("quecc", 1)).low == pytest.approx(
        -found.high
    )


def test_the_table_has_a_row_a_method_with_its_cost(folder):
    table = Comparison(folder).table("letters").set_index("method")
    assert (
        table.loc["quecc", "accuracy"] == pytest.approx(7 / 12)
        and table.loc["quecc", "flops"] == 3
    )
    assert table.loc["pool", "seeds"] == 4 and table.loc["pool", "kinds"][
        "2 letters"
    ] == pytest.approx(0.25)


def test_what_is_not_there_is_said(folder):
    with pytest.raises(ValueError, match="no result for m3 with V = 1 on reading"):
        Comparison(folder).right("letters", "m3", 1)
    with pytest.raises(ValueError, match="no table"):
        crossed_mean([1.0, 0.0])


def test_few_seeds_have_no_interval_and_no_spread_has_none_either():
    assert (
        crossed_mean([[1, 0, 1]])[1:3]
        == crossed_mean([[1, 0, 1], [1, 1, 1]])[1:3]
        == (None, None)
    )
    assert crossed_mean([[1, 1]] * 3)[:3] == (1.0, 1.0, 1.0)


def test_with_one_source_of_noise_it_is_the_t_interval():
    """Against scipy: seeds that differ, and questions all alike."""
    from scipy import stats

    means = np.array([0.2, 0.5, 0.6, 0.4])
    found = crossed_mean(np.repeat(means[:, None], 50, 1))
    low, high = stats.t.interval(0.95, 3, means.mean(), stats.sem(means))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize(
    ("seed_noise", "question_noise"), [(0.05, 0.3), (0.0, 0.5), (0.1, 0.0)]
)
def test_it_covers_the_truth_when_seeds_and_questions_are_drawn_anew(
    seed_noise, question_noise
):
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(600):
        values = (
            0.1
            + seed_noise * rng.normal(size=(3, 1))
            + question_noise * rng.normal(size=(1, 200))
            + 0.3 * rng.normal(size=(3, 200))
        )
        found = crossed_mean(values)
        hits += found.low <= 0.1 <= found.high
    assert hits / 600 > 0.93
