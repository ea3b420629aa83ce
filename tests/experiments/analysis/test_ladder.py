"""Contrasts of the ladder, recovered from planted errors."""

import numpy as np
import pytest

from vlmcore.experiments.analysis.ladder import (
    LARGEST,
    MIDDLE,
    PARAMS,
    SMALLEST,
    Ladder,
    Point,
)
from vlmcore.experiments.analysis.ladder_numbers import ladder_numbers
from vlmcore.experiments.analysis.ledger_entries import ENTRIES
from vlmcore.files import write_json

COUNTRIES = 60
ERRORS = {
    (SMALLEST, 36): 0.6,
    (SMALLEST, 16): 0.5,
    (MIDDLE, 4): 0.55,
    (MIDDLE, 36): 0.4,
    (LARGEST, 1): 0.2,
}


@pytest.fixture
def ladder(tmp_path):
    """Two questions about each country, three seeds, errors drawn with given means.

    The probe of letters errs as the models do.
    """
    folder = tmp_path / "ladder"
    rng, count = np.random.default_rng(0), 2 * COUNTRIES
    about = [f"country {i % COUNTRIES}" for i in range(count)]
    asked = {
        name: [name] * count
        for name in ("kind", "question", "one_token", "objects", "accepted")
    }
    known = {**asked, "about": about, "points": [1.0] * 90 + [0.0] * 30}
    families = {"knowledge": known, "ocr": known}
    write_json(folder / f"text-{SMALLEST}.json", {"families": families})
    for (key, v), error in ERRORS.items():
        for seed in range(3):
            points = (rng.random(count) > error).astype(float).tolist()
            cell = {"key": key, "compressor": "tokenpacker", "visual_tokens": v}
            result = {
                **cell,
                "seed": seed,
                "families": {"knowledge": {"points": points}},
            }
            result["families"]["letters"] = {"points": points[::-1]}
            write_json(folder / f"{key}.tokenpacker.v{v}.seed{seed}.json", result)
    return Ladder(folder)


def test_planted_contrasts_lie_in_their_intervals(ladder):
    for found, planted in (
        (ladder.n_minus_v("knowledge"), 0.4),
        (ladder.n_minus_v("knowledge", MIDDLE), 0.2),
        (ladder.equal_cost("knowledge"), 0.3),
    ):
        assert found.low < planted < found.high and found.low > 0
    assert ladder.errors(Point(SMALLEST, 36), "knowledge").shape == (3, COUNTRIES)


def test_a_contrast_takes_the_seeds_that_both_points_have(ladder):
    whole = ladder.difference("knowledge", Point(SMALLEST, 36), Point(LARGEST, 1))
    (ladder.folder / f"{LARGEST}.tokenpacker.v1.seed0.json").unlink()
    (ladder.folder / f"{SMALLEST}.tokenpacker.v36.seed1.json").unlink()
    left = ladder.difference("knowledge", Point(SMALLEST, 36), Point(LARGEST, 1))
    assert np.array_equal(left, whole[2:])
    one_seed = ladder.n_minus_v("knowledge")
    assert one_seed.value == pytest.approx(whole[2].mean())
    assert one_seed.method == f"t over {COUNTRIES} countries or strings"
    (ladder.folder / f"{LARGEST}.tokenpacker.v1.seed2.json").unlink()
    with pytest.raises(FileNotFoundError, match="no seed of both"):
        ladder.n_minus_v("knowledge")


def test_mean_errors_are_listed_by_size_with_their_spread(ladder):
    table = ladder.mean_errors("knowledge")
    sizes = [PARAMS[key] for key in (SMALLEST, SMALLEST, MIDDLE, MIDDLE, LARGEST)]
    assert list(table["params"]) == sizes == sorted(sizes)
    assert list(table["visual_tokens"]) == [16, 36, 4, 36, 1]
    assert set(table["seeds"]) == {3}
    errors = ladder.errors(Point(LARGEST, 1), "knowledge")
    last = table.iloc[-1]
    assert last["error"] == pytest.approx(errors.mean())
    over_seeds = errors.mean(1).std(ddof=1) / np.sqrt(3)
    over_countries = errors.mean(0).std(ddof=1) / np.sqrt(COUNTRIES)
    assert last["standard_error"] ** 2 == pytest.approx(
        over_seeds**2 + over_countries**2
    )


def test_a_countrys_questions_count_as_one(ladder):
    found = ladder.text_error(SMALLEST, "knowledge")
    assert found.value == pytest.approx(0.25) and found.count == COUNTRIES


def test_cells_are_listed_with_their_errors(ladder):
    table = ladder.cells()
    assert len(table) == 2 * 3 * len(ERRORS)
    large = table.query("key == @LARGEST")["error"].mean()
    assert large == pytest.approx(0.2, abs=0.06)


def test_numbers_are_those_of_what_was_made(ladder, tmp_path):
    found = {
        entry.name.removeprefix("ladder."): entry.number
        for entry in ENTRIES["ladder"](tmp_path)
    }
    assert found["knowledge.smollm2_135m.text.error"].value == pytest.approx(0.25)
    error = found["knowledge.smollm2_135m.tokenpacker.v36.error"]
    assert error.low < 0.6 < error.high
    for name, planted in (("n_minus_v", 0.4), ("equal_cost", 0.3)):
        for family in ("knowledge", "ocr"):
            assert found[f"{family}.{name}"].low < planted
            assert found[f"{family}.{name}"].high > planted
    assert found["knowledge.qwen_equal_cost"].value == pytest.approx(0.35, abs=0.1)

    (ladder.folder / f"{LARGEST}.tokenpacker.v1.seed2.json").unlink()
    fewer = ladder_numbers(ladder)
    assert "knowledge.n_minus_v" not in fewer  # a contrast waits for all its seeds
    assert fewer["knowledge.qwen_1500m.tokenpacker.v1.error"].low is None
    for path in ladder.folder.glob("*.seed*.json"):
        path.unlink()
    assert list(ladder_numbers(ladder)) == [
        "knowledge.smollm2_135m.text.error",
        "ocr.smollm2_135m.text.error",
    ]


def test_what_was_not_made_yet_gets_a_sentence(ladder, tmp_path):
    with pytest.raises(FileNotFoundError, match="was not made yet: vlmcore ladder run"):
        ladder.oracle_error(LARGEST, 1, "knowledge")
    with pytest.raises(FileNotFoundError, match=r"has no smol.*quecc.*ladder run"):
        ladder.n_minus_v("knowledge", compressor="quecc")
    with pytest.raises(FileNotFoundError, match="which lists the questions"):
        Ladder(tmp_path / "nothing")
