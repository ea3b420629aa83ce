import numpy as np
import pytest

from vlmcore import paper
from vlmcore.paper.refit import fit_published, numbers
from vlmcore.scaling import LogLinear, Product, fit_law


@pytest.fixture(scope="module")
def ledger():
    return {number.name: number for number in numbers()}


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("visual.ab", "0.5908"),
        ("visual.alpha", "0.0709"),
        ("visual.beta", "0.0151"),
        ("visual.d", "0.0000"),
        ("visual.r2", "0.992"),
        ("visual.sse", "3.794e-04"),
        ("visual.loglinear.sse", "2.805e-04"),
        ("visual.loglinear.aic_gain", "8.5"),
        ("visual.loglinear.aic_gain_counting_bounds", "10.5"),
        ("visual.loglinear.ratio", "4.72"),
        ("visual.ratio.least_without_a_size", "4.49"),
        ("visual.ratio.most_without_a_size", "4.99"),
        ("visual.sse_with_50_text_tokens_in_the_error", "1.68e-03"),
        ("visual.q0.optimal_tokens", "1"),
        ("visual.q50.optimal_tokens_printed", "12.1"),
        ("visual.q50.optimal_tokens", "13.5"),
        ("visual.hold_out_7b.largest_relative_error", "0.0097"),
        ("visual.14b.v1.error", "0.490"),
        ("visual.14b.v16.error", "0.470"),
        ("visual.14b.v576.error", "0.445"),
        ("ocr.alpha", "0.0282"),
        ("ocr.beta", "0.0394"),
        ("ocr.d", "0.0000"),
        ("ocr.ratio", "0.72"),
        ("ocr.ratio_without_doubtful", "0.68"),
        ("ocr.loglinear.sse", "3.345e-03"),
        ("ocr.loglinear.aic_gain", "12.0"),
        ("ocr.loglinear.aic_gain_counting_bounds", "14.0"),
    ],
)
def test_the_published_points_say(ledger, name, printed):
    """Snapshot, to the digits the book prints."""
    digits = len(printed.split("e")[0].partition(".")[2])
    assert f"{ledger[name].value:.{digits}{'e' if 'e' in printed else 'f'}}" == printed


def test_intervals_are_there_and_hold_their_values(ledger):
    assert 4.5 < ledger["visual.ratio"].value < 4.9
    assert (ledger["visual.alpha"].low, ledger["visual.alpha"].high) == pytest.approx(
        (0.0681, 0.0960), abs=1e-4
    )
    bounded = [number for number in ledger.values() if number.interval]
    assert len(bounded) > 25 and all(
        number.low <= number.value <= number.high and number.level == 0.95
        for number in bounded
    )
    for methods in ("visual.ratio", "ocr.ratio"):
        assert (
            len(
                {
                    number.value
                    for name, number in ledger.items()
                    if name.startswith(f"{methods}.") and "without" not in name
                }
            )
            == 1
        )


def test_the_interval_of_the_best_v_is_that_of_the_ratio(ledger):
    best, ratio = ledger["visual.q50.optimal_tokens"], ledger["visual.ratio"]
    for end, other in ((best.low, ratio.high), (best.high, ratio.low)):
        assert Product(AB=1, alpha=other, beta=1, D=0).optimal_tokens(
            50
        ) == pytest.approx(end)


def test_ways_to_treat_what_is_doubtful():
    used, other, left_out = (
        paper.scores("ocr", doubtful)
        for doubtful in ("used", "other_listing", "left_out")
    )
    assert (len(used), len(other), len(left_out)) == (28, 27, 25)
    assert used.columns.tolist() == other.columns.tolist()
    both = used.merge(other, on=["params", "visual_tokens"])
    assert both.loc[
        both["score_x"] != both["score_y"], ["params", "visual_tokens"]
    ].to_numpy().tolist() == [[4e9, 4]]
    assert np.allclose(other["error"], 1 - other["score"])
    with pytest.raises(ValueError, match="choose from used, other_listing, left_out"):
        paper.scores("ocr", "ignored")


def test_the_printed_law_is_read_and_not_typed():
    drawn = paper.laws().loc["drawn"]
    law = Product(**drawn.to_dict())
    table = paper.scores("visual")
    worse = (
        (law.predict(table["params"], table["visual_tokens"]) - table["error"]) ** 2
    ).sum()
    assert 1.1 < worse / fit_published("visual").sse < 1.2


def test_a_fit_is_the_fit():
    table = paper.scores("ocr", "left_out")
    assert (
        fit_published("ocr", LogLinear, "left_out").law
        == fit_law(
            LogLinear, table["params"], table["visual_tokens"], table["error"]
        ).law
    )
