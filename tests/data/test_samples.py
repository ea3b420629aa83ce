import pytest
import torch

from tests.conftest import SAMPLES
from vlmcore.data.samples import IGNORE, PromptTemplate, Sample, rows_of_step, tokenize


def test_the_text_is_start_question_answer_end(tokenizer, order):
    tokens = tokenize(SAMPLES, tokenizer, order)
    for i, sample in enumerate(SAMPLES):
        batch = tokens.batch(torch.tensor([i]))
        words = tokenizer.convert_ids_to_tokens(batch.text[0].tolist())
        question = tokenizer.tokenize(sample.question)
        answer = tokenizer.tokenize(sample.answer)
        assert words == ["<s>", *question, *answer, "</s>"]
        scored = batch.labels[0] != IGNORE
        assert scored.nonzero().flatten().tolist() == [
            *range(1 + len(question), len(words))
        ]
        assert torch.equal(batch.text[0][scored], batch.labels[0][scored])
        after_start, after_question = 1, 1 + len(question)
        at = after_start if order == "image_first" else after_question
        assert batch.image_at.item() == at
        assert batch.length.item() == len(words)
        assert batch.question_length.item() == after_question


def test_a_template_surrounds_the_question_and_the_image(tokenizer, order):
    template = PromptTemplate([5, 6, 7], [8])
    (sample,) = SAMPLES[:1]
    batch = tokenize([sample], tokenizer, order, answers=False, template=template)
    question = tokenizer(sample.question, add_special_tokens=False)["input_ids"]
    assert batch.text[0].tolist() == [5, 6, 7, *question, 8]
    assert batch.image_at.item() == 3 + (order != "image_first") * len(question)


def test_a_batch_is_cut_to_its_longest_row(tokenizer):
    tokens = tokenize(SAMPLES, tokenizer, "image_first")
    batch = tokens.batch(torch.tensor([0, 2]))
    assert batch.text.shape[1] == batch.length.max()
    assert batch.question.shape[1] == batch.question_length.max()
    assert tokens.batch(torch.arange(4)).text.shape[1] > batch.text.shape[1]


def test_without_answers_nothing_is_labelled(tokenizer):
    tokens = tokenize(SAMPLES, tokenizer, "image_first", answers=False)
    assert (tokens.labels == IGNORE).all()
    assert torch.equal(tokens.text, tokens.question)


def test_an_empty_question_is_named(tokenizer):
    samples = [SAMPLES[0], Sample(0, "  ", "red", "colour", 8)]
    with pytest.raises(ValueError, match="question of sample 1 is empty"):
        tokenize(samples, tokenizer, "image_first")
    with pytest.raises(ValueError, match="at least one"):
        tokenize([], tokenizer, "image_first")


def test_an_epoch_sees_every_sample_once_and_the_next_in_another_order():
    def rows(step, seed=7):
        return rows_of_step(103, 10, (seed,), step)

    epochs = [torch.cat([rows(step) for step in range(i, i + 10)]) for i in (0, 10)]
    assert all(len(set(seen.tolist())) == 100 for seen in epochs)
    assert not torch.equal(*epochs)
    assert torch.equal(rows(13), rows(13))
    assert not torch.equal(rows(13), rows(13, seed=8))
    assert sorted(rows_of_step(4, 10, (0,), 5).tolist()) == [0, 1, 2, 3]
