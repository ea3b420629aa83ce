"""Figures of costs show what they are given."""

import pandas as pd

from vlmcore import plots


def test_speed_is_drawn_by_reference_and_v_in_the_same_colours():
    rows = [
        (10, 1, "theirs", 4.0),
        (20, 1, "theirs", 8.0),
        (10, 9, "theirs", 2.0),
        (10, 9, "bare", 1.1),
    ]
    columns = ["params", "visual_tokens", "reference", "ratio"]
    theirs, bare = plots.times_as_fast(pd.DataFrame(rows, columns=columns)).axes
    one, nine, _ = theirs.lines
    assert (
        theirs.get_title(loc="left") == "theirs"
        and bare.get_title(loc="left") == "bare"
    )
    assert one.get_ydata().tolist() == [4, 8] and one.get_label() == "V = 1"
    assert nine.get_ydata().tolist() == [2]
    assert bare.lines[0].get_ydata().tolist() == [1.1]
    assert bare.lines[0].get_color() == nine.get_color() != one.get_color()
