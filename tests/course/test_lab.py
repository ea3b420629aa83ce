"""The laboratory of A4, its real runs, and class-mates who predict each other's."""

import doctest
import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.book.conftest import ROOT
from vlmcore.cli import app
from vlmcore.course import lab as module
from vlmcore.course import peers
from vlmcore.course.checks.a4.experimenting import wrong_ledger
from vlmcore.course.lab import HELD_OUT, SIZES, BudgetError, Lab, real_results
from vlmcore.course.peers import interval_score, leaderboard
from vlmcore.experiments.analysis.scaling_grid import Grid


def test_examples():
    assert doctest.testmod(module) == (0, 2) and doctest.testmod(peers) == (0, 1)


def test_a_run_is_paid_once_and_the_budget_holds():
    lab = Lab("ada", budget=1.0)
    first = lab.run(SIZES[-1], 36, 0)
    assert lab.run(*np.array([SIZES[-1], 36, 0])) == first and len(lab.entries) == 1
    with pytest.raises(BudgetError, match=r"costs 1.000 and 0.692 of 1 is left"):
        lab.run(SIZES[-1], 144)
    with pytest.raises(ValueError, match="is not on the menu"):
        lab.run(HELD_OUT, 1)


def test_what_is_registered_may_have_numbers_as_names():
    lab = Lab("ada")
    lab.register("by V", {16: 0.2, 4: 0.3, 144: 0.1})
    lab.run(SIZES[-1], 1)
    assert wrong_ledger(lab.ledger(), " Ada ") is None
    assert json.loads(lab.ledger())["entries"][0]["predictions"]["4"] == 0.3


def test_a_class_mate_s_laboratory_has_its_own_law_and_ledger():
    mine, theirs = Lab("ada"), Lab("ada").swap("bob")
    assert theirs.run(SIZES[0], 1) == Lab("bob").run(SIZES[0], 1)
    assert theirs.run(SIZES[0], 1) != mine.run(SIZES[0], 1)
    assert len(mine.entries) == len(theirs.entries) == 1
    with pytest.raises(ValueError, match="name a class-mate"):
        mine.swap("ADA ")


def test_the_interval_score_is_width_and_ten_times_the_miss():
    assert interval_score(0.1, 0.3, 0.2) == pytest.approx(0.2)
    assert interval_score(0.1, 0.3, 0.05) == pytest.approx(0.2 + 10 * 0.05)
    assert interval_score(0.1, 0.3, 0.32) == pytest.approx(0.2 + 10 * 0.02)


def test_the_leaderboard_ranks_by_the_score(tmp_path):
    truth = {peer: Lab(peer).measure(HELD_OUT, 16, 0)["error"] for peer in "abc"}
    rows = [
        ("a", "b", 16, truth["b"] - 0.01, truth["b"] + 0.01),
        ("a", "c", 16, truth["c"] - 0.02, truth["c"] + 0.02),
        ("b", "a", 16, truth["a"] + 0.01, truth["a"] + 0.02),
        ("c", "a", 16, 0.0, 1.0),
    ]
    table = pd.DataFrame(rows, columns=list(peers.COLUMNS))
    ranked = leaderboard(table)
    assert ranked["student"].tolist() == ["a", "b", "c"]
    assert ranked["predictions"].tolist() == [2, 1, 1]
    assert ranked["held"].tolist() == [1.0, 0.0, 1.0]
    assert ranked["score"].to_numpy() == pytest.approx([0.03, 0.11, 1.0])
    table.to_csv(tmp_path / "all.csv", index=False)
    command = ["course", "leaderboard", str(tmp_path / "all.csv")]
    printed = CliRunner().invoke(app, command).output.splitlines()
    assert (
        printed[0] == "student,predictions,held,score" and printed[1] == "a,2,1.0,0.03"
    )
    with pytest.raises(ValueError, match="the table has no column v"):
        leaderboard(table.drop(columns="v"))
    with pytest.raises(ValueError, match="a predicted their own"):
        leaderboard(table.assign(peer="a"))


def test_real_runs_are_those_of_the_grid():
    table = Grid(ROOT / "book" / "results" / "grid").table
    main = table[
        (table["variation"] == "") & table["compressor"].isin(["quecc", "blind"])
    ]
    known = main.set_index(["task", "params", "visual_tokens", "seed"])["error"]
    rows = [(task, row) for task in known.index.unique(0) for row in real_results(task)]
    assert len(rows) == len(known) == 285
    for task, row in rows:
        error = known[task, row["n"], row["v"], row["seed"]]
        assert row["error"] == pytest.approx(error, abs=1e-6) and row["count"] == 6000
