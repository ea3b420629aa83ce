import pytest

from vlmcore import paper
from vlmcore.paper.refit import fit_published, published_numbers
from vlmcore.scaling import LogLinear, Product, fit_law


@pytest.fixture(scope="module")
def numbers():
    return published_numbers()


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("visual.ab", "0.5908"),
        ("visual.alpha", "0.0709"),
        ("visual.beta", "0.0151"),
        ("visual.d", "0.0000"),
        ("visual.sse", "3.794e-04"),
        ("visual.loglinear.aic_gain_counting_bounds", "10.5"),
        ("visual.q50.optimal_tokens_printed", "12.1"),
        ("visual.q50.optimal_tokens", "13.5"),
        ("visual.14b.v16.error", "0.470"),
        ("ocr.ratio", "0.72"),
        ("ocr.ratio_without_doubtful", "0.68"),
        ("ocr.loglinear.sse", "3.345e-03"),
    ],
)
def test_numbers_to_the_digits_that_the_book_prints(numbers, name, printed):
    """Snapshot of a few; tests/results compares all."""
    digits = len(printed.split("e")[0].partition(".")[2])
    form = f".{digits}{'e' if 'e' in printed else 'f'}"
    assert format(numbers[name].value, form) == printed


def test_the_methods_differ_in_their_intervals_and_not_in_their_values(numbers):
    bounded = [number for number in numbers.values() if number.method]
    assert len(bounded) > 25 and {number.level for number in bounded} == {0.95}
    assert all(number.low <= number.value <= number.high for number in bounded)
    for ratio in ("visual.ratio.", "ocr.ratio."):
        methods = [
            number
            for name, number in numbers.items()
            if name.startswith(ratio) and "without" not in name
        ]
        assert len({number.value for number in methods}) == 1
        assert len({number.low for number in methods}) == len(methods) == 4


def test_the_interval_of_the_best_v_is_that_of_the_ratio(numbers):
    best, ratio = numbers["visual.q50.optimal_tokens"], numbers["visual.ratio"]
    for end, other in ((best.low, ratio.high), (best.high, ratio.low)):
        law = Product(AB=1, alpha=other, beta=1, D=0)
        assert law.optimal_tokens(50) == pytest.approx(end)


def test_the_drawn_law_is_read_and_not_typed(numbers):
    drawn = Product(**paper.laws().loc["drawn"].to_dict())
    table = paper.scores("visual")
    misses = drawn.predict(table["params"], table["visual_tokens"]) - table["error"]
    assert numbers["visual.sse_drawn"].value == pytest.approx((misses**2).sum())
    assert 1.1 < (misses**2).sum() / fit_published("visual").sse < 1.2


def test_the_published_fit_is_a_fit_of_the_published_points():
    table = paper.scores("ocr", "left_out")
    law = fit_law(
        LogLinear, table["params"], table["visual_tokens"], table["error"]
    ).law
    assert fit_published("ocr", LogLinear, "left_out").law == law
