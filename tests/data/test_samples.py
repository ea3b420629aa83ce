import pytest
import torch

from tests.conftest import SAMPLES
from vlmcore.data.samples import IGNORE, Sample, rows_of_step, tokenize


def test_the_text_is_start_question_answer_end(tokenizer, order):
    tokens = tokenize(SAMPLES, tokenizer, order)
    for i, sample in enumerate(SAMPLES):
        batch = tokens.batch(torch.tensor([i]))
        words = tokenizer.convert_ids_to_tokens(batch.text[0].tolist())
        question, answer = (
            tokenizer.tokenize(sample.question),
            tokenizer.tokenize(sample.answer),
        )
        assert words == ["<s>", *question, *answer, "</s>"]
        scored = batch.labels[0] != IGNORE
        assert tokenizer.convert_ids_to_tokens(batch.labels[0][scored].tolist()) == [
            *answer,
            "</s>",
        ]
        assert torch.equal(batch.text[0][scored], batch.labels[0][scored])
        assert batch.image_at.item() == (
            1 if order == "image_first" else 1 + len(question)
        )
        assert batch.length.item() == len(words)
        assert batch.question_length.item() == 1 + len(question)


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
    with pytest.raises(ValueError, match="question of sample 1 is empty"):
        tokenize(
            [SAMPLES[0], Sample(0, "  ", "red", "colour", 8)], tokenizer, "image_first"
        )
    with pytest.raises(ValueError, match="at least one"):
        tokenize([], tokenizer, "image_first")


def test_a_pass_sees_every_sample_once_and_the_next_another_order():
    passes = [
        torch.cat(
            [rows_of_step(103, 10, (7,), step) for step in range(10 * p, 10 * p + 10)]
        )
        for p in (0, 1)
    ]
    for seen in passes:
        assert len(set(seen.tolist())) == 100
    assert not torch.equal(*passes)
    assert torch.equal(rows_of_step(103, 10, (7,), 13), rows_of_step(103, 10, (7,), 13))
    assert not torch.equal(
        rows_of_step(103, 10, (7,), 13), rows_of_step(103, 10, (8,), 13)
    )
    assert sorted(rows_of_step(4, 10, (0,), 5).tolist()) == [0, 1, 2, 3]
