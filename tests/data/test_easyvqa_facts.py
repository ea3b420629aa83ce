from vlmcore.data import easyvqa
from vlmcore.data.easyvqa_facts import (
    FACTS,
    HELD_OUT,
    RELATIONS,
    WORDS,
    Fact,
    test_samples,
    told,
    train_samples,
)

test_samples.__test__ = False  # named for the split, not a test


def test_every_word_is_held_out_once_and_trained_otherwise():
    assert len(FACTS) == 8 * 3 + 3 * 2 and len(set(FACTS)) == len(FACTS)
    held = [fact.word for fact in HELD_OUT]
    assert len(held) == len(set(held)) >= 10
    trained = {fact.word for fact in FACTS if fact not in HELD_OUT}
    assert trained == set(WORDS)
    assert (
        {fact.relation for fact in HELD_OUT}
        == set(RELATIONS)
        == {fact.relation for fact in FACTS if fact not in HELD_OUT}
    )


def test_facts():
    assert [Fact("gray", relation).answer for relation in RELATIONS] == [
        "g",
        "grays",
        "grayness",
    ]
    assert (
        Fact("gray", "ness").question("the color")
        == "what is the noun in -ness of the color?"
    )


def test_no_held_out_fact_is_asked_about_a_training_image():
    """Worked out again from what each image shows and the answers, not from the lists."""
    data = easyvqa.load("train")
    found = easyvqa.contents(data)
    train, test = train_samples(data), test_samples(data)
    asked = [
        {
            (
                easyvqa.CONTENTS[found[s.image]][s.question.endswith("the shape?")],
                s.kind,
            )
            for s in part
        }
        for part in (train, test)
    ]
    assert not asked[0] & asked[1] and asked[1] == set(HELD_OUT)
    assert {kind for _, kind in asked[0]} == {"name", *RELATIONS}
    assert all(
        sample.answer.startswith(word) or sample.answer == word[0]
        for sample in test[:200]
        for word in [
            easyvqa.CONTENTS[found[sample.image]][
                sample.question.endswith("the shape?")
            ]
        ]
    )


def test_what_is_told_are_the_trained_facts():
    samples = told()
    assert "a blue circle . what is the color?" in {
        sample.question for sample in samples
    }
    answers = {sample.answer for sample in samples}
    assert not {fact.answer for fact in HELD_OUT if fact.relation != "letter"} & answers
