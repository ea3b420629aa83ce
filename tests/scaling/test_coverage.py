import json

import numpy as np
import pytest

from vlmcore.cli.results import simulate_coverage as simulate_all
from vlmcore.scaling import coverage, fieller, fit_law, profile
from vlmcore.scaling.coverage import simulate
from vlmcore.scaling.planted import SETTINGS, N, V

BY_NAME = {setting.name: setting for setting in SETTINGS}


def covered(name, *arguments):
    return {
        (row.quantity, row.method): row.covered
        for row in simulate(BY_NAME[name], *arguments)
    }


def test_counting_at_the_truth_is_looking_for_the_ends():
    """The simulation never finds the ends of a profile; here they are found."""
    setting = BY_NAME["product"]
    rng = np.random.default_rng(0)
    profiles = [
        profile(fit_law(type(setting.law), N, V, error, allow_bound=True), "ratio")
        for error in setting.draw(30, rng)
    ]
    by_ends = sum(each.low <= 4.0 <= each.high for each in profiles)
    assert covered("product", 30, 1)["ratio", "profile"] == by_ends


def test_too_narrow_an_interval_would_be_seen(monkeypatch):
    monkeypatch.setattr(coverage, "fieller", lambda found, level: fieller(found, 0.5))
    found = covered("loglinear", 200, 1)["ratio", "fieller"]
    assert found / 200 == pytest.approx(0.5, abs=0.1)


def test_noise_is_what_the_setting_says():
    rng = np.random.default_rng(0)
    shared = BY_NAME["shared"].draw(20_000, rng) - BY_NAME["shared"].law.predict(N, V)
    assert shared.std(0) == pytest.approx(np.full(28, np.hypot(0.003, 0.003)), rel=0.03)
    assert np.corrcoef(shared[:, 0], shared[:, 1])[0, 1] == pytest.approx(0.5, abs=0.03)
    assert abs(np.corrcoef(shared[:, 0], shared[:, 27])[0, 1]) < 0.03
    counts = BY_NAME["counts"].draw(10, rng)
    assert np.allclose(np.round(counts * 2000), counts * 2000, atol=1e-9)


def test_an_existing_result_is_not_made_again(tmp_path, capsys):
    command = coverage.COMMAND.format(3, 1)
    there = {}
    for setting in SETTINGS:
        if setting.name != "loglinear":
            path = tmp_path / f"coverage_{setting.name}.json"
            there[path] = json.dumps({"name": setting.name, "command": command})
            path.write_text(there[path])
    for written in (1, 0):
        simulate_all(tmp_path, simulations=3, with_refits=1)
        assert capsys.readouterr().out.count("written") == written
    assert all(path.read_text() == text for path, text in there.items())
