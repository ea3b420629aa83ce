import pytest

from vlmcore.data.benchmarks.llava import Answer, append_answers
from vlmcore.data.benchmarks.question import Question
from vlmcore.evaluation.benchmarks import Benchmark, score


@pytest.mark.parametrize(
    "rule, right, text, official, lenient",
    [
        ("scienceqa", "B", "The answer is **B**", 0, 1),
        ("scienceqa", "B", "<think>A? No.</think>\nB) the second", 0, 1),
        ("scienceqa", "B", "(b)", 0, 1),
        ("scienceqa", "B", "B", 1, 1),
        ("scienceqa", "B", "A bird", 0, 0),
        ("pope", "no", "**No**, there is none", 0, 1),
        ("pope", "yes", "<think>There is no dog? ... there is.</think> Yes", 0, 1),
        ("gqa", "red", "The answer is: **red**.", 0, 1),
        ("gqa", "red", "It is red", 0, 0),
        ("gqa", "red", "<think>it may be red", 0, 0),
    ],
)
def test_a_lenient_rule_has_a_name_of_its_own(
    tmp_path, rule, right, text, official, lenient
):
    kind = {"scienceqa": "image", "pope": "random"}.get(rule, "all")
    options = ("x", "y") if rule == "scienceqa" else ()
    number = "random/1" if rule == "pope" else 1  # POPE's splits share their numbers
    question = Question(number, "?", None, (right,), kind, "f", options)
    append_answers(tmp_path / "a", [Answer(number, "?", text, "m", {})])
    found = [
        score(Benchmark(name, lambda: [question]), tmp_path / "a").scores[kind]
        for name in (rule, f"{rule}_lenient")
    ]
    values = [s.accuracy.value if rule == "pope" else s.value for s in found]
    assert values == [official, lenient]
