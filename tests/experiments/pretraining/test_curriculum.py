import pytest
import torch

from vlmcore.config import LanguageConfig
from vlmcore.data.samples import IGNORE, tokenize
from vlmcore.data.synthetic.icons import facts
from vlmcore.data.synthetic.task_families import knowledge, ocr, reasoning
from vlmcore.data.synthetic.vocabulary import CONTENT_WORDS, SCENE_WORDS, TEXT_WORDS
from vlmcore.experiments.pretraining import curriculum
from vlmcore.experiments.pretraining.curriculum import (
    CURRICULUM_QUESTIONS,
    CURRICULUM_TOKENS,
    CURRICULUM_TURNS,
    answers_from_scene_tokens,
    curriculum_batches,
    pretrain_on_curriculum,
    tokenize_contents,
    tokenize_scenes,
)
from vlmcore.experiments.pretraining.scene_tokens import embed_scenes
from vlmcore.models.language import LanguageModel, word_tokenizer
from vlmcore.training.trainer import StageConfig, read_log

SMALL = LanguageConfig(width=16, depth=1, heads=2, mlp_width=32)
KNOWN = facts(3)


@pytest.fixture
def tokenizer():
    return word_tokenizer([*SCENE_WORDS, *TEXT_WORDS])


@pytest.fixture
def few_scenes(monkeypatch):
    monkeypatch.setattr(curriculum, "CURRICULUM_SCENES", 60)


def described_scenes(seed):
    batch = {"questions": 0, "draw": False}
    return {
        "knowledge": knowledge(
            (seed, 1),
            60,
            KNOWN,
            **batch | {"questions": CURRICULUM_QUESTIONS["knowledge"]},
        ),
        "reasoning": reasoning(
            (seed, 1),
            60,
            KNOWN,
            **batch | {"questions": CURRICULUM_QUESTIONS["reasoning"]},
        ),
        "ocr": ocr((seed, 1), 60, **batch | {"questions": CURRICULUM_QUESTIONS["ocr"]}),
    }


def same(one, other):
    return all(
        torch.equal(a, b)
        for a, b in zip(
            (*one.batch, one.words), (*other.batch, other.words), strict=True
        )
    )


def test_a_lesson_is_a_function_of_its_step(tokenizer, few_scenes):
    one, again, other = (
        curriculum_batches(tokenizer, KNOWN, 8, seed) for seed in (0, 0, 1)
    )
    steps = [9, 3, 0, 5, 8]  # in any order
    assert all(same(one(step), again(step)) for step in sorted(steps)) and all(
        same(one(step), again(step)) for step in steps
    )
    assert not same(one(3), other(3)) and not same(one(0), one(5))
    assert [one(step).tokens for step in range(0, 25, 5)] == [
        *CURRICULUM_TOKENS,
        CURRICULUM_TOKENS[0],
    ]


def questions_in(text, labels, tokenizer):
    """Questions and answers of a text without its padding, decoded word by word."""
    assert text[0] == tokenizer.bos_token_id
    assert text[-1] == labels[-1] == tokenizer.eos_token_id
    found, question = [], []
    for token, label in zip(text[1:-1], labels[1:-1], strict=True):
        word = tokenizer.convert_ids_to_tokens(int(token))
        if label == IGNORE:
            question.append(word)
        else:
            assert label == token
            found.append((" ".join(question), word))
            question = []
    assert not question
    return found


def test_answers_are_learnt_and_nothing_else(tokenizer, few_scenes):
    """The questions of a scene, each once, after its description."""
    make, scenes = curriculum_batches(tokenizer, KNOWN, 8, 2), described_scenes(2)
    answers = set()
    for step in range(10):
        words, family = make(step), scenes[CURRICULUM_TURNS[step % 5]]
        batch = words.batch
        described = tokenize_scenes(family, tokenizer)[batch.image]
        assert torch.equal(words.words, described)
        assert words.position_words == family.position_words
        rows = zip(batch.image, batch.text, batch.labels, batch.length, strict=True)
        for row, text, labels, length in rows:
            assert (labels[length:] == IGNORE).all()
            assert (text[length:] == tokenizer.pad_token_id).all()
            found = questions_in(text[:length], labels[:length], tokenizer)
            of_scene = [s for s in family.samples if s.image == row]
            assert sorted(found) == sorted({(s.question, s.answer) for s in of_scene})
            answers |= {answer for _, answer in found}
    assert {"yes", "no", "red"} <= answers


def test_scene_tokens_come_before_the_first_question(tokenizer, few_scenes):
    batch = curriculum_batches(tokenizer, KNOWN, 8, 0)(0)
    assert (batch.batch.image_at == 1).all()


def test_notes_as_tokens(tokenizer):
    scenes = reasoning(1, 5, KNOWN, draw=False)
    tokens = tokenize_scenes(scenes, tokenizer)
    for number, row in zip(
        scenes.descriptions.reshape(-1), tokens.reshape(-1), strict=True
    ):
        assert tokenizer.convert_ids_to_tokens(int(row)) == (
            SCENE_WORDS[number] if number >= 0 else tokenizer.pad_token
        )
    assert [
        tokenizer.convert_ids_to_tokens(group.tolist())
        for group in tokenize_contents(tokenizer)
    ] == [list(g) for g in CONTENT_WORDS]
    assert tokenizer.unk_token_id not in tokenizer.convert_tokens_to_ids(
        [*SCENE_WORDS, *TEXT_WORDS]
    )


@pytest.mark.parametrize(
    ("tokens", "order"), [(1, "image_first"), (4, "image_first"), (4, "question_first")]
)
def test_answers_are_the_likeliest_next_words(tokenizer, tokens, order):
    """Each question alone, put together by hand, for an untrained model."""
    torch.manual_seed(0)
    model = LanguageModel.from_config(
        LanguageConfig(
            vocab_size=len(tokenizer), width=16, depth=1, heads=2, mlp_width=32
        ),
        tokenizer,
    )
    scenes = reasoning(1, 12, KNOWN, questions=2, draw=False)
    answers = answers_from_scene_tokens(model, scenes, tokens, order, batch_size=5)
    words = tokenize_scenes(scenes, tokenizer)
    expected = []
    for sample in scenes.samples:
        question = tokenize(
            [sample], tokenizer, "image_first", answers=False
        ).text.long()
        scene = embed_scenes(
            model, words[sample.image][None], tokens, scenes.position_words
        )
        at = 1 if order == "image_first" else question.shape[1]
        prompt = torch.cat(
            [model.embed(question[:, :at]), scene, model.embed(question[:, at:])], 1
        )
        expected.append(
            tokenizer.decode(int(model.logits(model(prompt)[0, -1]).argmax()))
        )
    assert answers == expected and len(set(answers)) > 1


def test_schooling_is_reproducible_and_learns(tmp_path, few_scenes):
    stage = StageConfig(40, 1e-2, batch_size=16)
    once, again = (
        pretrain_on_curriculum(
            tmp_path / name, SMALL, stage, 3, 1, progress=False, accelerator="cpu"
        )
        for name in "ab"
    )
    assert all(
        torch.equal(x, y)
        for x, y in zip(once.parameters(), again.parameters(), strict=True)
    )
    log = read_log(tmp_path / "a")["loss"]
    assert log.iloc[-1] < 0.9 * log.iloc[0]
    assert {*SCENE_WORDS, *TEXT_WORDS} <= set(once.tokenizer.get_vocab())
