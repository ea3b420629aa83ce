"""What stands beside the ladder's contrasts, from four questions worked out by hand."""

import pytest

from vlmcore.experiments.analysis.ladder import LARGEST, SMALLEST, Ladder, Point
from vlmcore.experiments.analysis.ladder_checks import (
    blind_error,
    constant_error,
    lone_names,
    not_exact,
    one_token_alone,
    permuted_errors,
    see_and_know,
    shown_error,
    unseen,
)
from vlmcore.experiments.ladder import plan
from vlmcore.files import write_json

KNOWLEDGE = {
    "kind": ["capital", "region", "capital", "region"],
    "question": ["", "", "", ""],
    "about": ["France", "France", "Japan", "Italy"],
    "one_token": [True, True, True, False],
    "objects": [1, 2, 1, 1],
    "accepted": [["Paris"], ["Europe"], ["Tokyo"], ["Europe"]],
    "points": [1.0, 1.0, 1.0, 0.0],
}
OCR = {name: values[:2] for name, values in KNOWLEDGE.items()} | {"about": ["", ""]}


@pytest.fixture
def ladder(tmp_path):
    """Three equal seeds; the largest model knows all, the smallest half."""
    families = {"knowledge": KNOWLEDGE, "ocr": OCR}
    write_json(tmp_path / f"text-{SMALLEST}.json", {"families": families})
    blind = {"knowledge": {"points": [0.0, 1.0, 0.0, 0.0]}}
    write_json(tmp_path / f"oracle-{SMALLEST}.json", {"found": {"blind": blind}})
    cells = {
        (SMALLEST, 1): [0.0, 1.0, 1.0, 0.0],
        (SMALLEST, 4): [1.0, 1.0, 1.0, 0.0],
        (SMALLEST, 16): [0.0, 0.0, 1.0, 0.0],
        (SMALLEST, 36): [0.0, 0.0, 0.0, 0.0],
        (LARGEST, 1): [1.0, 1.0, 1.0, 1.0],
    }
    for (key, v), points in cells.items():
        for seed in range(3):
            known = {
                "points": points,
                "seen": [1.0, 0.0, 1.0, 1.0],
                "permuted": {
                    "answers": ["Tokyo", "Europe", "Rome", "Asia"],
                    "points": [0.0, 0.0, 0.0, 1.0],
                    "shown": [2, 3, 0, 1],
                },
            }
            cell = {"key": key, "compressor": "tokenpacker", "visual_tokens": v}
            read = {"knowledge": known, "ocr": {"points": [1.0, 0.75]}}
            write_json(
                tmp_path / f"{key}.tokenpacker.v{v}.seed{seed}.json",
                {**cell, "seed": seed, "families": read},
            )
    return Ladder(tmp_path)


def test_countries_count_once_and_seeing_stands_apart_from_knowing(ladder):
    # France is seen in one of two scenes, Japan and Italy in all
    assert unseen(ladder, Point(SMALLEST, 1)).value == pytest.approx(1 / 6)
    known_or_not = 1 - (1 - 1 / 6) * (1 - 1 / 3)  # only Italy is unknown in text
    assert see_and_know(ladder, Point(SMALLEST, 1)) == pytest.approx(known_or_not)


def test_a_lone_flag_with_a_name_of_one_token_is_compared_with_its_name(ladder):
    # the first question about France and the one about Japan; France is missed
    assert one_token_alone(ladder, SMALLEST).value == pytest.approx(0.5)
    assert lone_names(ladder).tolist() == [True, False, True, False]
    # both of these flags are seen, in the scenes that count
    assert unseen(ladder, Point(SMALLEST, 1), lone_names(ladder)).value == 0


def test_strings_with_a_wrong_letter_are_not_exact(ladder):
    assert not_exact(ladder, Point(SMALLEST, 1)).value == pytest.approx(0.5)


def test_what_blind_permuted_and_constant_answers_miss(ladder):
    # blind: one of France's two questions is right
    assert blind_error(ladder, SMALLEST, "knowledge").value == pytest.approx(5 / 6)
    # Paris or Tokyo, and Europe twice
    assert constant_error(ladder) == pytest.approx(1 / 4)
    error, missed = permuted_errors(ladder, SMALLEST, 1)
    assert error.value == pytest.approx(2 / 3)
    # capitals of Japan, France are not those asked for; Italy and France are in Europe
    assert missed == pytest.approx(1 / 2)
    # Japan and Italy are answered as shown, France is shown twice and missed
    assert shown_error(ladder, Point(SMALLEST, 1)) == pytest.approx(1 / 2)


def test_the_smallest_model_is_taken_at_its_best_v(ladder):
    # V = 4, where only Italy is missed; the largest misses nothing
    options = [Point(SMALLEST, v) for v in plan.TOKENS]
    found = ladder.best_less_largest("knowledge", options)
    assert found.value == pytest.approx(1 / 3)
