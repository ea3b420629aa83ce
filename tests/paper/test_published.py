import numpy as np
import pytest

from vlmcore import paper
from vlmcore.cost import DEVICES


@pytest.mark.parametrize("task", ["visual", "ocr"])
def test_the_published_points_are_a_complete_grid(task):
    table = paper.scores(task)
    tokens = [1, 4, 16, 36, 64, 144, 576]
    assert table["visual_tokens"].tolist() == 4 * tokens
    assert np.allclose(table["error"], 1 - table["score"])
    if task == "visual":
        assert table.query("params == 7e9")["score"].iloc[-1] == 0.5354
    assert len(paper.table1()) == 16 and len(paper.doubtful_points()) == 6


def test_ways_to_treat_doubtful_points():
    used, other, left_out = (
        paper.scores("ocr", doubtful)
        for doubtful in ("used", "other_listing", "left_out")
    )
    assert (len(used), len(other), len(left_out)) == (28, 27, 25)
    assert used.columns.tolist() == other.columns.tolist()
    both = used.merge(other, on=["params", "visual_tokens"])
    changed = both.loc[both["score_x"] != both["score_y"], ["params", "visual_tokens"]]
    assert changed.to_numpy().tolist() == [[4e9, 4]]
    assert np.allclose(other["error"], 1 - other["score"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("audio",), "choose from visual, ocr"),
        (("ocr", "ignored"), "choose from used, other_listing, left_out"),
    ],
)
def test_an_unknown_choice_gets_a_sentence(arguments, words):
    with pytest.raises(ValueError, match=words):
        paper.scores(*arguments)


def test_every_test_size_has_a_source_and_a_column():
    sizes = paper.sizes_of_tests()
    assert set(sizes["benchmark"]) < set(paper.table1().columns)
    assert sizes["source"].str.len().min() > 20 and sizes["benchmark"].is_unique


def test_hours_of_training_are_of_known_devices_and_stages():
    hours = paper.training_hours()
    assert set(hours["device"]) <= set(DEVICES) and (hours["hours"] > 0).all()
    assert not hours.duplicated(["model", "stage"]).any()
    assert set(hours["stage"]) == {"align", "tune"}
