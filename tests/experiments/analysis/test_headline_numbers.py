import json
import subprocess
import sys

import pytest

from vlmcore.experiments.analysis.headline_numbers import ledger
from vlmcore.experiments.analysis.ledger_entries import ENTRIES, Entry
from vlmcore.files import write_json
from vlmcore.scaling import Interval


def run(seed, value, count=1000):
    score = {"all": {"value": value, "count": count}}
    return {
        "name": f"quecc.v1.seed{seed}",
        "scores": {"test": score, "shuffled": score},
        "right": "1" * round(value * count) + "0" * round((1 - value) * count),
        "command": "python -m something",
    }


def easyvqa(folder, *values):
    for seed, value in enumerate(values):
        write_json(folder / "easyvqa" / f"{seed}.json", run(seed, value))
    (test, _) = ENTRIES["easyvqa"](folder)
    assert test.name == "easyvqa.quecc.v1.accuracy"
    return test.number


def test_a_changed_result_changes_the_ledger(tmp_path):
    before, after = easyvqa(tmp_path, 0.9, 0.92, 0.94), easyvqa(tmp_path, 0.8)
    assert before.value == pytest.approx(0.92) and after.value == pytest.approx(
        2.66 / 3
    )
    assert before.low < before.value < before.high <= 1 and before.count == 3000


@pytest.mark.parametrize(
    ("values", "method"), [((0.9,), "Wilson, one seed"), ((0.9, 0.8), None)]
)
def test_one_seed_gets_a_binomial_interval_and_two_get_none(tmp_path, values, method):
    found = easyvqa(tmp_path, *values)
    assert found.method == method and found.count == 1000 * len(values)
    assert found.low is None or 0 < found.high - found.low < 0.05


def test_a_row_has_every_part():
    number = Interval(0.5, 0.4, 0.6, 0.95, "t over 3 seeds", 30)
    assert json.loads(json.dumps(Entry("a.b", number, "make", "there").row())) == {
        "name": "a.b",
        "value": 0.5,
        "low": 0.4,
        "high": 0.6,
        "level": 0.95,
        "interval": "t over 3 seeds",
        "count": 30,
        "command": "make",
        "source": "there",
    }


def test_missing_results_are_named(tmp_path):
    easyvqa(tmp_path, 0.9)
    with pytest.raises(
        FileNotFoundError, match=r"no results of laws, .*, ladder, so the"
    ):
        ledger(tmp_path)


def test_the_ledger_does_not_wait_for_torch():
    code = (
        "import sys; import vlmcore.experiments.analysis.headline_numbers; "
        "sys.exit(bool({'torch', 'transformers'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
