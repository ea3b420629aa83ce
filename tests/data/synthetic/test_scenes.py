import numpy as np

from vlmcore.data.synthetic.scenes import describe_cells, position_names


def test_positions_are_named_row_by_row():
    assert position_names(2) == ("r1c1", "r1c2", "r2c1", "r2c2")


def test_descriptions_name_every_cell_and_the_objects_that_exist():
    positions = np.arange(4)[:, None] + 100
    cell, exists = np.array([[2, 0], [3, 1]]), np.array([[True, True], [True, False]])
    words = np.array([[[7, 8], [9, -1]], [[5, 6], [1, 2]]])
    assert describe_cells(positions, cell, words, exists).tolist() == [
        [[100, 9, -1], [101, -1, -1], [102, 7, 8], [103, -1, -1]],
        [[100, -1, -1], [101, -1, -1], [102, -1, -1], [103, 5, 6]],
    ]
