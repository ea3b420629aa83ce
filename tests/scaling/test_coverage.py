import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vlmcore.experiments.analysis import headline_numbers
from vlmcore.scaling import coverage, fieller, fit_law, profile
from vlmcore.scaling.coverage import SETTINGS, N, Setting, V, simulate

RESULTS = {
    path.stem: json.loads(path.read_text())
    for path in Path("book/results/laws").glob("coverage_*.json")
}
BY_NAME = {setting.name: setting for setting in SETTINGS}


def share(name, quantity, method):
    (row,) = (
        row
        for row in RESULTS[f"coverage_{name}"]["coverage"]
        if (row["quantity"], row["method"]) == (quantity, method)
    )
    return row["covered"] / row["simulations"]


def test_every_setting_is_shipped_as_it_is_defined():
    assert set(RESULTS) == {f"coverage_{name}" for name in BY_NAME}
    for result in RESULTS.values():
        setting = BY_NAME[result["name"]]
        assert (
            result["truth"] == vars(setting.law)
            and result["noise"]["sigma"] == setting.sigma
        )
        assert "--simulations 2000 --with-refits 300" in result["command"]
        assert {row["simulations"] for row in result["coverage"]} <= set(
            range(250, 301)
        ) | set(range(1000, 2001))


def test_the_ledger_reads_them():
    found = {entry.name: entry for entry in headline_numbers.ledger()}
    entry = found["coverage.product.ratio.profile"]
    assert (entry.value, entry.count) == (
        share("product", "ratio", "profile"),
        2000,
    ) and entry.low < entry.value < entry.high
    assert "coverage.published.prediction.residual_bootstrap" in found


@pytest.mark.parametrize("name", ["product", "additive", "counts", "published"])
def test_profile_intervals_of_the_ratio_hold_what_they_promise(name):
    assert 0.935 <= share(name, "ratio", "profile") <= 0.965


def test_what_falls_short_is_on_record():
    assert 0.935 <= share("loglinear", "ratio", "fieller") <= 0.965
    # noise shared by all points of a size: methods that take points as independent are
    # too sure
    assert (
        share("shared", "ratio", "profile")
        < 0.9
        < share("shared", "ratio", "jackknife over sizes")
    )
    # four clusters are too few for a wild bootstrap
    assert share("product", "ratio", "wild_cluster bootstrap") < 0.8


def test_a_small_run_agrees_with_the_shipped_one():
    few = {
        (row.quantity, row.method): row
        for row in simulate(BY_NAME["product"], 200, 2, seed=5)
    }
    for quantity in ("alpha", "ratio"):
        row = few[quantity, "profile"]
        assert row.simulations == 200
        assert row.covered / 200 == pytest.approx(
            share("product", quantity, "profile"), abs=0.05
        )


def test_counting_at_the_truth_is_looking_for_the_ends():
    """The simulation never finds the ends of a profile; here they are found."""
    setting = BY_NAME["product"]
    rng = np.random.default_rng(0)
    inside = [
        profile(fit_law(type(setting.law), N, V, error, allow_bound=True), "ratio")
        for error in setting.draw(30, rng)
    ]
    by_ends = sum(each.low <= 4.0 <= each.high for each in inside)
    rows = {(row.quantity, row.method): row for row in simulate(setting, 30, 1, seed=0)}
    assert rows["ratio", "profile"].covered == by_ends


def test_too_narrow_an_interval_would_be_seen(monkeypatch):
    monkeypatch.setattr(coverage, "fieller", lambda found, level: fieller(found, 0.5))
    rows = {
        (row.quantity, row.method): row
        for row in simulate(BY_NAME["loglinear"], 200, 1)
    }
    assert rows["ratio", "fieller"].covered / 200 == pytest.approx(0.5, abs=0.1)


def test_noise_is_what_the_setting_says():
    rng = np.random.default_rng(0)
    shared = BY_NAME["shared"].draw(20_000, rng) - BY_NAME["shared"].law.predict(N, V)
    assert shared.std(0) == pytest.approx(np.full(28, np.hypot(0.003, 0.003)), rel=0.03)
    assert np.corrcoef(shared[:, 0], shared[:, 1])[0, 1] == pytest.approx(0.5, abs=0.03)
    assert abs(np.corrcoef(shared[:, 0], shared[:, 27])[0, 1]) < 0.03
    counts = BY_NAME["counts"].draw(10, rng)
    assert np.allclose(np.round(counts * 2000), counts * 2000, atol=1e-9)


def test_a_result_that_is_there_is_not_made_again(tmp_path):
    command = [
        sys.executable,
        "-m",
        "vlmcore.scaling.coverage",
        "--out",
        f"{tmp_path}",
        "--simulations",
        "3",
        "--with-refits",
        "1",
    ]
    for setting in SETTINGS:
        if setting.name != "loglinear":
            (tmp_path / f"coverage_{setting.name}.json").write_text("{}")
    assert (
        subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.count("written")
        == 1
    )
    assert (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""
    )
    assert (tmp_path / "coverage_product.json").read_text() == "{}"
    bad = subprocess.run([*command[:-1], "9"], capture_output=True, text=True)
    assert bad.returncode == 2 and "at most the 3 in all" in bad.stderr


def test_settings_can_be_made(tmp_path):
    quiet = replace(BY_NAME["loglinear"], sigma=1e-6)
    assert isinstance(quiet, Setting) and next(iter(simulate(quiet, 5, 1))).covered >= 3
