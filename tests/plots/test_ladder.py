import pandas as pd

from tests.plots.artists import ys
from vlmcore import plots


def test_trained_errors_stand_beside_exact_targets_and_text():
    columns = ["params", "visual_tokens", "error", "standard_error"]
    trained = pd.DataFrame(
        [[1e8, 1, 0.7, 0.1], [1e8, 4, 0.6, 0.1], [1e9, 1, 0.4, 0.1]], columns=columns
    )
    exact = pd.DataFrame(
        [[1e8, 1, 0.5], [1e8, 4, 0.4], [1e9, 1, 0.3], [1e9, 4, 0.2]],
        columns=columns[:3],
    )
    in_text = {1e9: 0.1, 1e8: 0.3}
    figure = plots.trained_and_exact({"a": trained}, {"a": exact}, {"a": in_text})
    axis = figure.axes[0]
    drawn = ys(axis)
    for expected in ([0.5, 0.4], [0.3], [0.7, 0.6], [0.3, 0.2], [0.1], [0.4]):
        assert expected in drawn
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["0.1B", "1B"]  # the smallest first
    assert not figure.axes[1].axison  # there is one title only
