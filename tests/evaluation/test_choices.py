import random

import pytest

from tests.evaluation import messy, naive
from vlmcore.evaluation.metrics import (
    MMBench,
    ScienceQA,
    mmbench_option,
    scienceqa_option,
)

COUNT = 20_000
BARE = ["A", "B", "D", " C ", "D\n", "B. a", "E", "The answer is D.", "The answer is D"]


def test_scienceqa_against_a_naive_reader():
    rng = random.Random(6)
    texts = [
        text if rng.random() < 0.5 else rng.choice(BARE)
        for text in messy.vocabulary(COUNT, 7)
    ]
    options = [rng.randrange(2, 6) for _ in range(COUNT)]
    answers, kinds = (
        ["ABCDE"[rng.randrange(n)] for n in options],
        rng.choices(["image", "text"], k=COUNT),
    )
    read = [naive.scienceqa(text, n) for text, n in zip(texts, options, strict=True)]
    assert [
        scienceqa_option(text, n) for text, n in zip(texts, options, strict=True)
    ] == read
    metric = ScienceQA(["image", "text"])
    metric.update(texts, answers, options, kinds)
    scores = metric.compute()
    for kind in ("image", "text"):
        right = [
            r == a for r, a, k in zip(read, answers, kinds, strict=True) if k == kind
        ]
        assert scores[kind].value == sum(right) / len(right)
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


@pytest.mark.parametrize("change", ["ignored", "swapped", "one answer"])
def test_scienceqa_moves_when_it_must(change):
    said, kinds = ["A", "B", "B", "C"], ["image", "image", "text", "text"]

    def value(said, kinds):
        metric = ScienceQA(["image", "text"])
        metric.update(said, ["A", "B", "C", "D"], [4] * 4, kinds)
        return metric.compute()["image"].value

    changed = {
        "ignored": (["A"] * 4, kinds),
        "swapped": (said, kinds[::-1]),
        "one answer": (["C", *said[1:]], kinds),
    }[change]
    assert value(*changed) < value(said, kinds) == 1


def circular(said, rotations=4):
    """One question with the right answer in a place of its own in each rotation."""
    texts = ["cat", "dog", "cow", "hen"][:rotations]
    metric = MMBench({0: "animals"})
    for r in range(rotations):
        options = texts[r:] + texts[:r]
        metric.update(
            [said(options)],
            ["ABCD"[options.index("cow" if rotations > 2 else "cat")]],
            [options],
            [0],
            [r],
        )
    return metric.compute()["all"]


def test_only_knowing_passes_every_rotation():
    knows = circular(lambda options: "ABCD"[options.index("cow")])
    says_c = circular(lambda options: "C")
    assert (knows.vanilla.value, knows.circular.value) == (1, 1)
    assert (says_c.vanilla.value, says_c.circular.value) == (1, 0)
    assert (knows.vanilla.chance, knows.circular.chance) == (1 / 4, 1 / 4**4)


TOLD = [
    "A",
    "(B).",
    "C",
    "D:",
    ":B)",
    "E",
    "it is a hen",
    "The cat and the dog",
    "A cow is there",
    "A hen",
    "A B",
    "cat",
    "DOG!",
    "",
]


def test_mmbench_against_a_naive_reader_and_count():
    """Every answer is read twice and every circle counted by another's hand; nothing here is judged by what is tested."""
    rng, pool = random.Random(8), [*messy.vocabulary(COUNT, 14), *TOLD * 1500]
    questions, rows, whole, first, read = (
        {i: rng.choice(["x", "y"]) for i in range(COUNT)},
        [],
        {},
        {},
        set(),
    )
    for question in questions:
        options = rng.sample(["cat", "dog", "cow", "hen"], k=rng.randrange(2, 5))
        right = rng.choice(options)
        knows = rng.random() < 0.5
        for r in range(len(options)):
            turned = options[r:] + options[:r]
            letter = "ABCD"[turned.index(right)]
            said = letter if knows else rng.choice(pool)
            chosen = naive.mmbench(said, turned)
            assert mmbench_option(said, turned) == chosen, (said, turned)
            read.add(chosen)
            whole[question] = whole.get(question, True) and chosen == letter
            first.setdefault(question, chosen == letter)
            rows.append((said, letter, turned, question, r))
    rng.shuffle(rows)
    metric = MMBench(questions)
    for start in range(0, len(rows), 7000):
        metric.update(*zip(*rows[start : start + 7000], strict=True))
    scores = metric.compute()
    for kind in ("x", "y"):
        of = [q for q, k in questions.items() if k == kind]
        assert scores[kind].circular.value == pytest.approx(
            sum(whole[q] for q in of) / len(of), abs=1e-12
        )
        assert scores[kind].vanilla.value == pytest.approx(
            sum(first[q] for q in of) / len(of), abs=1e-12
        )
    assert scores["all"].circular.count == COUNT and read == {*"ABCDE", None}


@pytest.mark.parametrize("change", ["ignored", "swapped", "one answer"])
def test_mmbench_moves_when_it_must(change):
    """Of two questions with two options, the first is right in both rotations, the second in none."""
    said, kinds = ["A", "B", "B", "A"], ["x", "y"]

    def value(said, kinds):
        metric = MMBench(dict(enumerate(kinds)))
        metric.update(
            said,
            ["A", "B", "A", "B"],
            [["cat", "dog"], ["dog", "cat"]] * 2,
            [0, 0, 1, 1],
            [0, 1, 0, 1],
        )
        return metric.compute()["x"].circular.value

    changed = {
        "ignored": (["A"] * 4, kinds),
        "swapped": (said, kinds[::-1]),
        "one answer": (["A", "A", *said[2:]], kinds),
    }[change]
    assert value(*changed) < value(said, kinds) == 1


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
    with pytest.raises(
        ValueError, match="option 'D' cannot be right where there are 3: A, B, C"
    ):
        ScienceQA().update(["A"], ["D"], [3])
    with pytest.raises(
        ValueError, match="option 'C' cannot be right where there are 2: A, B"
    ):
        MMBench({0: "x"}).update(["A"], ["C"], [["a", "b"]], [0], [0])
    with pytest.raises(ValueError, match="question 1 was not announced"):
        MMBench({0: "x"}).update(["A"], ["A"], [["a", "b"]], [1], [0])
    metric = MMBench({0: "x"})
    metric.update(["A"], ["A"], [["a", "b"]], [0], [0])
    with pytest.raises(
        ValueError, match="question 0 was asked 1 times; it has 2 options"
    ):
        metric.compute()
    with pytest.raises(ValueError, match="no question was asked"):
        MMBench({0: "x"}).compute()
