import pytest

from vlmcore.experiments.analysis.comparison import Comparison
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
def comparison(tmp_path):
    rights = {
        "quecc": ["1110", "1010", "1100"],
        "pool": ["0110", "1000", "0000", "0010"],
    }
    for method, by_seed in rights.items():
        for seed, right in enumerate(by_seed):
            write_json(
                tmp_path / f"{method}{seed}.json",
                result("letters", method, 1, seed, right),
            )
    write_json(tmp_path / "question_only.json", {"name": "question_only"})
    return Comparison(tmp_path)


def test_pairs_share_a_seed_and_a_question(comparison):
    assert comparison.accuracy("letters", "pool", 1).value == pytest.approx(4 / 16)
    found = comparison.difference("letters", ("quecc", 1), ("pool", 1))
    assert found.count == 3 * 4  # the fourth seed of pooling has no partner
    assert found.value == pytest.approx((7 - 3) / 12)
    other = comparison.difference("letters", ("pool", 1), ("quecc", 1))
    assert other.low == pytest.approx(-found.high)


def test_the_table_has_a_row_a_method_with_its_cost(comparison):
    table = comparison.table("letters").set_index("method")
    assert table.loc["quecc", "accuracy"] == pytest.approx(7 / 12)
    assert table.loc["quecc", "flops"] == 3
    assert table.loc["pool", "seeds"] == 4 and table.loc["pool", "questions"] == 4
    assert table.loc["pool", "kinds"]["2 letters"] == pytest.approx(0.25)


def test_a_missing_run_gets_a_sentence(comparison):
    with pytest.raises(ValueError, match="no result for m3 with V = 1 on letters"):
        comparison.right("letters", "m3", 1)
