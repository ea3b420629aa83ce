from vlmcore.data import easyvqa
from vlmcore.data.easyvqa_facts import (
    FACT_RELATIONS,
    FACT_WORDS,
    FACTS,
    HELD_OUT,
    Fact,
    fact_text,
    test_samples,
    train_samples,
)

test_samples.__test__ = False  # named for the split, not a test


def test_every_word_is_held_out_once_and_trained_otherwise():
    assert len(FACTS) == len(set(FACTS)) == 8 * 3 + 3 * 2
    trained = set(FACTS) - set(HELD_OUT)
    assert len(HELD_OUT) == len({fact.word for fact in HELD_OUT}) >= 10
    assert {fact.word for fact in trained} == set(FACT_WORDS)
    for part in (HELD_OUT, trained):
        assert {fact.relation for fact in part} == set(FACT_RELATIONS)


def test_facts():
    answers = [Fact("gray", relation).answer for relation in FACT_RELATIONS]
    assert answers == ["g", "grays", "grayness"]
    question = Fact("gray", "ness").question("the color")
    assert question == "what is the noun in -ness of the color?"


def test_no_held_out_fact_is_asked_about_a_training_image():
    """Found again from what each image shows and the answers, not from the lists."""
    data = easyvqa.load("train")
    found = easyvqa.contents(data)

    def word_of(sample):
        about_shape = sample.question.endswith("the shape?")
        return easyvqa.CONTENTS[found[sample.image]][about_shape]

    train, test = train_samples(data), test_samples(data)
    trained, held_out = ({(word_of(s), s.kind) for s in part} for part in (train, test))
    assert not trained & held_out and held_out == set(HELD_OUT)
    assert {kind for _, kind in trained} == {"name", *FACT_RELATIONS}
    for sample in test[:200]:
        assert sample.answer.startswith(word_of(sample)[: len(sample.answer)])


def test_the_text_has_the_trained_facts():
    text = fact_text()
    assert "a blue circle . what is the color?" in {s.question for s in text}
    held_out = {fact.answer for fact in HELD_OUT if fact.relation != "letter"}
    assert not held_out & {sample.answer for sample in text}
