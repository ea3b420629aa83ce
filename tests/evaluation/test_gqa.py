"""GQA's scores beside those that its script gives: only balanced questions count."""

import json

import pytest

from vlmcore.data.benchmarks.llava import Answer, append_answers
from vlmcore.data.benchmarks.vqa import gqa
from vlmcore.evaluation.benchmarks import Benchmark, score

TYPES = {
    "1": ("query", "attr", True, ["1", "2", "3", "9"]),
    "2": ("verify", "attr", False, []),
    "3": ("verify", "rel", True, ["2"]),
    "4": ("choose", "obj", True, ["3"]),
    "5": ("query", "obj", None, None),
}
RIGHT = {"1": "red", "2": "yes", "3": "no", "4": "cup", "5": "cat"}
ANSWERS = {"1": "Red.", "2": "no", "3": "no", "4": "mug", "5": "cat"}


@pytest.fixture
def file(tmp_path):
    entries = {
        name: {"question": "?", "imageId": "n1", "answer": RIGHT[name]}
        | {"types": {"structural": one, "semantic": other, "detailed": "x"}}
        | ({} if balanced is None else {"isBalanced": balanced, "entailed": entailed})
        for name, (one, other, balanced, entailed) in TYPES.items()
    }
    (tmp_path / "f.json").write_text(json.dumps(entries))
    return tmp_path / "f.json"


@pytest.mark.parametrize("balanced", [True, False])
def test_types_and_consistency(file, balanced):
    questions = list(gqa(file, file.parent, balanced))
    answers = file.with_suffix(".jsonl")
    append_answers(
        answers, [Answer(q.id, "", ANSWERS[q.id], "", {}) for q in questions]
    )
    found = score(Benchmark("gqa", lambda: questions), answers)
    values = {name: (s.value, s.count) for name, s in found.scores.items()}
    # 1 is right, and of 2 and 3, which it entails, one is; 3 is right, and 2 is not; 4
    # is wrong, so that nothing follows. Without 2 only 3 is known to follow from 1
    follows = ((0.5 + 0) / 2, 2) if not balanced else (1, 1)
    unbalanced = {} if balanced else {"unbalanced": (0, 1)}
    assert values == unbalanced | {
        "all": (3 / 4, 4),
        "query": (1, 2),
        "verify": (1, 1),
        "choose": (0, 1),
        "open": (1, 2),
        "binary": (1 / 2, 2),
        "attr": (1, 1),
        "rel": (1, 1),
        "obj": (1 / 2, 2),
        "consistency": follows,
    }
    assert found.headline == found.scores["all"]
