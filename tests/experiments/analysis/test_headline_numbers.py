import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from vlmcore import paper
from vlmcore.cost import paper_flops
from vlmcore.experiments.analysis import headline_numbers

RESULTS = Path("book/results")


def entries(folder):
    return {entry.name: entry for entry in headline_numbers.ledger(folder)}


def test_the_headline_numbers_are_there_and_follow_from_the_files():
    found = entries(RESULTS)
    runs = [
        json.loads(path.read_text()) for path in (RESULTS / "easyvqa").glob("*.json")
    ]
    ones = [
        r["scores"]["test"]["all"]["value"]
        for r in runs
        if r["name"].startswith("quecc.v1.")
    ]
    entry = found["easyvqa.quecc.v1.accuracy"]
    assert len(ones) >= 3
    assert entry.value == pytest.approx(np.mean(ones))
    low, high = stats.t.interval(0.95, len(ones) - 1, np.mean(ones), stats.sem(ones))
    assert (entry.low, entry.high) == pytest.approx((max(low, 0), min(high, 1)))
    assert entry.count == 9673 * len(ones)


def test_what_the_book_says_about_easy_vqa():
    found = entries(RESULTS)
    assert found["easyvqa.quecc.v1.accuracy"].value >= 0.97
    blind, guess = (
        found["easyvqa.blind.accuracy"],
        found["easyvqa.question_only.accuracy"],
    )
    assert abs(blind.value - guess.value) < 0.01
    assert found["easyvqa.quecc.v1.shuffled.accuracy"].value < guess.value
    assert found["encoder.clip-mini.probe.cls.accuracy"].value > 0.98


def test_what_the_book_says_about_a_real_language_model():
    found = entries(RESULTS)
    one = found["real.smollm2.quecc.v1.accuracy"]
    assert one.value >= 0.95 and one.count == 3 * 9673
    assert (
        abs(
            found["real.smollm2.blind.accuracy"].value
            - found["easyvqa.question_only.accuracy"].value
        )
        < 0.01
    )
    known, nothing_known = (
        found[f"real.{model}.quecc.v1.words.accuracy"]
        for model in ("smollm2", "miniature")
    )
    assert (
        known.low > 0.4
        and nothing_known.high < 0.1
        and known.count == nothing_known.count == 1498
    )


def test_a_changed_result_changes_the_ledger(tmp_path):
    shutil.copytree(RESULTS, tmp_path / "results")
    path = next(
        p
        for p in (tmp_path / "results" / "easyvqa").glob("*.json")
        if '"quecc.v1.seed0"' in p.read_text()
    )
    result = json.loads(path.read_text())
    result["scores"]["test"]["all"]["value"] = 0.5
    path.write_text(json.dumps(result))
    before, after = entries(RESULTS), entries(tmp_path / "results")
    assert (
        after["easyvqa.quecc.v1.accuracy"].value
        < before["easyvqa.quecc.v1.accuracy"].value
    )
    shutil.rmtree(tmp_path / "results" / "easyvqa")
    assert "easyvqa.quecc.v1.accuracy" not in entries(tmp_path / "results")


def test_an_interval_of_one_seed_is_that_of_the_books():
    low, high = headline_numbers.wilson_interval(
        81, 263
    )  # an example worked out in Newcombe 1998, table I
    assert (low, high) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_published_points():
    visual, ocr = paper.scores("visual"), paper.scores("ocr")
    for table in (visual, ocr):
        assert len(table) == 28 and sorted(table["visual_tokens"].unique()) == [
            1,
            4,
            16,
            36,
            64,
            144,
            576,
        ]
        assert np.allclose(table["error"], 1 - table["score"])
    row = visual[(visual["params"] == 7e9) & (visual["visual_tokens"] == 576)].iloc[0]
    assert row["score"] == 0.5354
    assert len(paper.table1()) == 16 and len(paper.doubtful_points()) == 6
    with pytest.raises(ValueError, match="choose from visual, ocr"):
        paper.scores("audio")


def test_the_finding_without_a_law():
    """Below the largest model, one token is on the frontier at Q = 0 and more are at Q = 50: by brute force over all pairs."""
    table = paper.scores("visual")
    for q, expected in ((0, {1}), (50, {1, 4, 16, 36, 64})):
        cost = [
            paper_flops(n, q, v)
            for n, v in zip(table["params"], table["visual_tokens"], strict=True)
        ]
        error = table["error"].tolist()
        kept = [
            i
            for i in range(28)
            if not any(cost[j] <= cost[i] and error[j] < error[i] for j in range(28))
        ]
        small = table.iloc[[i for i in kept if table["params"].iloc[i] < 7e9]]
        assert set(small["visual_tokens"]) == expected
        assert entries(RESULTS)[
            f"published.visual.q{q}.frontier_tokens_below_largest_model"
        ].value == max(expected)


def test_one_seed_gets_a_binomial_interval(tmp_path):
    shutil.copytree(RESULTS, tmp_path / "results")
    for path in (tmp_path / "results" / "easyvqa").glob("*.json"):
        if '"quecc.v1.seed0"' not in path.read_text():
            path.unlink()
    entry = entries(tmp_path / "results")["easyvqa.quecc.v1.accuracy"]
    assert (
        entry.interval == "Wilson, one seed"
        and entry.count == 9673
        and 0 < entry.high - entry.low < 0.01
    )
