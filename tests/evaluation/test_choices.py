import random

import pytest

from tests.evaluation import messy, naive
from vlmcore.evaluation.choices import ScienceQA, mmbench_option, scienceqa_option
from vlmcore.evaluation.mmbench import MMBench

COUNT = 20_000
BARE = ["A", "B", "D", " C ", "D\n", "B. a", "E", "The answer is D.", "The answer is D"]


def test_scienceqa_against_a_naive_reader():
    rng = random.Random(6)
    texts = [
        text if rng.random() < 0.5 else rng.choice(BARE)
        for text in messy.vocabulary(COUNT, 7)
    ]
    options = [rng.randrange(2, 6) for _ in range(COUNT)]
    answers = ["ABCDE"[rng.randrange(n)] for n in options]
    kinds = rng.choices(["image", "text"], k=COUNT)
    read = list(map(naive.scienceqa, texts, options))
    assert list(map(scienceqa_option, texts, options)) == read
    metric = ScienceQA(["image", "text"])
    metric.update(texts, answers, kinds, options)
    scores = metric.scores()
    right = [r == a for r, a in zip(read, answers, strict=True)]
    for kind in ("image", "text"):
        assert scores[kind].value == naive.share(right, kinds, kind)
    assert scores["all"].parseable == sum(r is not None for r in read) / COUNT
    assert scores["all"].chance == pytest.approx(sum(1 / n for n in options) / COUNT)
    assert len(set(read)) == 6


@pytest.mark.parametrize(
    "text, letter",
    [
        ("B", "B"),
        (" B ", None),
        ("B\n", None),
        ("B. a stone", "B"),
        ("B. ", "B"),
        ("B.", None),
        ("B\nbecause", None),
        ("so The answer is C.", "C"),
        ("The answer is C!", "C"),
        ("The answer is Cow", "C"),  # the script's full stop is any character ...
        ("The answer is C", None),  # ... but there must be one
        ("The answer is C\n", None),
        ("The answer is A. No. The answer is A.", None),
        ("The answer is A. No. The answer is Z.", None),
        ("The answer is Z.", None),
        ("The answer is F. The answer is", None),
        ("A. The answer is B.", "A"),
        ("E", None),
        ("E. x", None),
        ("the answer is B.", None),
        ("Answer: B", None),
        ("", None),
    ],
)
def test_scienceqas_rule(text, letter):
    assert scienceqa_option(text, 4) == letter


def circular(answer):
    """One question with the right answer at another letter in each rotation."""
    metric, texts = MMBench({0: "animals"}), ["cat", "dog", "cow", "hen"]
    for turn in range(4):
        options = texts[turn:] + texts[:turn]
        right = "ABCD"[options.index("cow")]
        metric.update([answer(options)], [right], [options], [0], [turn])
    return metric.scores()["all"]


def test_only_knowledge_passes_every_rotation():
    knows = circular(lambda options: "ABCD"[options.index("cow")])
    always_c = circular(lambda options: "C")
    assert (knows.vanilla.value, knows.circular.value) == (1, 1)
    assert (always_c.vanilla.value, always_c.circular.value) == (1, 0)
    assert (knows.vanilla.chance, knows.circular.chance) == (1 / 4, 1 / 4**4)


PREDS = ["A", "(B).", "C", "D:", ":B)", "E", "it is a hen", "The cat and the dog"]
PREDS += ["A cow is there", "A hen", "A B", "cat", "DOG!", ""]


def test_mmbench_against_a_naive_reader_and_count():
    """Every answer is read twice, and every circle is counted apart from the metric."""
    rng, pool = random.Random(8), [*messy.vocabulary(COUNT, 14), *PREDS * 1500]
    kinds = rng.choices(["x", "y"], k=COUNT)
    rows, first, whole = [], [], []
    for question in range(COUNT):
        options = rng.sample(["cat", "dog", "cow", "hen"], k=rng.randrange(2, 5))
        right, knows, passed = rng.choice(options), rng.random() < 0.5, []
        for turn in range(len(options)):
            turned = options[turn:] + options[:turn]
            letter = "ABCD"[turned.index(right)]
            pred = letter if knows else rng.choice(pool)
            chosen = naive.mmbench(pred, turned)
            assert mmbench_option(pred, turned) == chosen, (pred, turned)
            passed.append(chosen == letter)
            rows.append((pred, letter, turned, question, turn))
        first.append(passed[0])
        whole.append(all(passed))
    rng.shuffle(rows)
    metric = MMBench(dict(enumerate(kinds)))
    naive.update_in_parts(metric, *zip(*rows, strict=True))
    scores = metric.scores()
    for kind in ("x", "y"):
        for found, expected in zip(scores[kind], (whole, first), strict=True):
            share = naive.share(expected, kinds, kind)
            assert found.value == pytest.approx(share, abs=1e-12)
    assert scores["all"].circular.count == COUNT and 0 < sum(whole) < sum(first)
    assert {mmbench_option(pred, ["cat", "dog"]) for pred in pool} == {*"ABCDE", None}


@pytest.mark.parametrize(
    "text, letter",
    [
        ("B", "B"),
        ("b", None),
        ("A dog is in it", "B"),
        ("A", "A"),
        ("A cow", "A"),
        ("B C", None),
        ("(C)", "C"),
        ("E", "E"),
        ("a HEN!", "D"),
        ("", None),
    ],
)
def test_mmbenchs_rule(text, letter):
    assert mmbench_option(text, ["cat", "dog", "cow", "hen"]) == letter


def test_bad_input_gets_a_sentence():
    with pytest.raises(ValueError, match="'D' cannot be right where there are 3: A, B"):
        ScienceQA().update(["A"], ["D"], choices=[3])
    metric = MMBench({0: "x"})
    with pytest.raises(ValueError, match="'C' cannot be right where there are 2: A, B"):
        metric.update(["A"], ["C"], [["a", "b"]], [0], [0])
    metric = MMBench({0: "x", 1: "x"})
    two = [["a", "b"], ["b", "a"]]
    metric.update(["A"] * 3, ["A", "A", "B"], [two[0], *two], [0, 1, 1], [0, 0, 1])
    with pytest.raises(ValueError, match="question 0 was asked 1 times; it has 2"):
        metric.scores()
