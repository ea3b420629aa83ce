import inspect

import pytest
import torch
import torch.nn.functional as F

from tests.conftest import SAMPLES
from vlmcore.config import M3Config, MQTConfig, PoolConfig, PruMergeConfig, QueCCConfig
from vlmcore.data.samples import IGNORE, PromptTemplate, tokenize
from vlmcore.models.prefix_cache import shared_prefix
from vlmcore.models.splicing import splice
from vlmcore.models.vision import VisionFeatures
from vlmcore.models.vlm import VLM

ONE = [sample._replace(question="is there a red circle?") for sample in SAMPLES]


def everything(tokenizer, order, **options):
    return tokenize(SAMPLES, tokenizer, order, **options).batch(
        torch.arange(len(SAMPLES))
    )


def test_the_visual_prefix_is_spliced_in_where_the_batch_says(tokenizer, order):
    batch = everything(tokenizer, order)
    text = batch.text[..., None].float()
    visual = -torch.arange(1.0, 4.0).view(1, 3, 1).expand(4, -1, -1)
    spliced = splice(text, visual, batch)
    for row, at in enumerate(batch.image_at):
        words, labels = text[row, :, 0].tolist(), batch.labels[row].tolist()
        expected = [*words[:at], -1, -2, -3, *words[at:]]
        assert spliced.embeddings[row, :, 0].tolist() == expected
        expected = [*labels[:at], *[IGNORE] * 3, *labels[at:]]
        assert spliced.labels[row].tolist() == expected
    assert torch.equal(spliced.length, batch.length + 3)


def test_the_loss_is_that_of_each_sample_alone_computed_the_long_way(
    make_vlm, tokenizer, features, order, model
):
    vlm = make_vlm(*model, order)
    batch = everything(tokenizer, order)
    with torch.no_grad():
        output = vlm(batch, features)
        losses = []
        for row, sample in enumerate(SAMPLES):
            one = tokenize([sample], tokenizer, order).batch(torch.tensor([0]))
            seen = VisionFeatures(*(x[row : row + 1] for x in features))
            question = vlm.language.encode_question(one.question, one.question_length)
            visual = (
                vlm.compressor(seen, question)[0]
                if vlm.compressor
                else torch.empty(0, 24)
            )
            text, at = vlm.language.embed(one.text)[0], one.image_at.item()
            sequence = torch.cat([text[:at], visual, text[at:]])
            logits = vlm.language.model(inputs_embeds=sequence[None]).logits[0]
            answer = one.text[0][one.question_length.item() :]
            losses += [
                F.cross_entropy(logits[len(sequence) - len(answer) + i - 1], word)
                for i, word in enumerate(answer)
            ]
    assert len(output.targets) == len(losses)
    torch.testing.assert_close(output.loss, torch.stack(losses).mean())


def test_generated_answers_do_not_depend_on_the_batch(
    make_vlm, tokenizer, features, order, model
):
    vlm = make_vlm(*model, order)
    together = vlm.generate(everything(tokenizer, order, answers=False), features)
    for row, sample in enumerate(SAMPLES):
        one = tokenize([sample], tokenizer, order, answers=False).batch(
            torch.tensor([0])
        )
        assert vlm.generate(
            one, VisionFeatures(*(x[row : row + 1] for x in features))
        ) == [together[row]]


def test_generation_goes_on_where_the_loss_was_computed(
    make_vlm, tokenizer, features, order
):
    """The first generated word is the best one where the first label was predicted."""
    vlm = make_vlm(order=order)
    with torch.no_grad():
        output = vlm(everything(tokenizer, order), features)
    first = 0
    for sample, said in zip(
        SAMPLES,
        vlm.generate(
            everything(tokenizer, order, answers=False), features, max_new_tokens=1
        ),
        strict=True,
    ):
        assert said == tokenizer.decode(
            output.logits[first].argmax(), skip_special_tokens=True
        )
        first += len(tokenizer.tokenize(sample.answer)) + 1


@pytest.mark.parametrize("samples", [SAMPLES, ONE], ids=["questions", "question"])
def test_a_shared_prefix_is_found_and_changes_nothing(
    make_vlm, tokenizer, features, order, samples, monkeypatch
):
    """It is a template of 12 tokens, and one question for all that comes first."""
    vlm = make_vlm(order=order)
    template = PromptTemplate([tokenizer.bos_token_id, *range(4, 15)], [5, 6])
    batch, asked = (
        tokenize(samples, tokenizer, order, answers=answers, template=template).batch(
            torch.arange(4)
        )
        for answers in (True, False)
    )
    length = 12
    if samples == ONE and order == "question_first":
        length += len(tokenizer.tokenize(ONE[0].question))
    assert shared_prefix(batch) == shared_prefix(asked) == length
    with torch.no_grad():
        once = vlm(batch, features, shared_prefix=length).logits
        torch.testing.assert_close(
            once, vlm(batch, features).logits, rtol=1e-4, atol=1e-4
        )
    answers = vlm.generate(asked, features)
    monkeypatch.setattr("vlmcore.models.prefix_cache.SHORTEST_PREFIX", 1000)
    assert shared_prefix(asked) == 0 and vlm.generate(asked, features) == answers


def test_a_blind_model_does_not_look(make_vlm, tokenizer, features):
    vlm = make_vlm(None, 0)
    batch = everything(tokenizer, "image_first")
    with torch.no_grad():
        assert torch.equal(vlm(batch, features).loss, vlm(batch, None).loss)


def test_a_seeing_model_looks(make_vlm, tokenizer, features, model):
    vlm = make_vlm(*model)
    if vlm.compressor is None:
        pytest.skip("blind")
    batch = everything(tokenizer, "image_first")
    with torch.no_grad():
        assert (
            vlm(batch, features).loss
            != vlm(batch, features._replace(layers=-features.layers)).loss
        )
    with pytest.raises(ValueError, match="visual_tokens=0 and compressor=None"):
        vlm(batch, None)


def test_pixels_and_their_features_give_the_same(make_vlm, tokenizer, images, model):
    vlm = make_vlm(*model)
    batch = tokenize(SAMPLES[:3], tokenizer, "image_first").batch(torch.arange(3))
    with torch.no_grad():
        torch.testing.assert_close(
            vlm(batch, images).loss, vlm(batch, vlm.vision(images, attention=True)).loss
        )


@pytest.mark.parametrize(
    "compressor", [M3Config(), MQTConfig(9, 2), PruMergeConfig(5)], ids=str
)
def test_one_set_of_weights_serves_every_v_that_is_asked_for(
    make_vlm, tokenizer, features, compressor
):
    vlm, other = make_vlm(compressor, 9), make_vlm(compressor, 4)
    other.load_state_dict(vlm.state_dict())
    batch = everything(tokenizer, "image_first")
    asked = everything(tokenizer, "image_first", answers=False)
    with torch.no_grad():
        assert torch.equal(
            vlm(batch, features, 4).logits, other(batch, features).logits
        )
        assert not torch.equal(
            vlm(batch, features, 4).logits, vlm(batch, features).logits
        )
    assert vlm.generate(asked, features, visual_tokens=4) == other.generate(
        asked, features
    )
    assert [
        x.shape[1]
        for x in (vlm.compress(features, batch), vlm.compress(features, batch, 4))
    ] == [9, 4]


def test_a_v_that_cannot_be_given_is_refused(make_vlm, tokenizer, features):
    batch = everything(tokenizer, "image_first")
    with pytest.raises(ValueError, match=r"4 visual tokens.*9"):
        make_vlm()(batch, features, 9)
    with pytest.raises(ValueError, match="blind model has no 4 visual tokens"):
        make_vlm(None, 0)(batch, features, 4)


def test_ask_is_the_short_way(make_vlm, tokenizer, images):
    vlm = make_vlm()
    samples = [s._replace(image=i) for i, s in enumerate(SAMPLES[:3])]
    batch = tokenize(samples, tokenizer, "image_first", answers=False).batch(
        torch.arange(3)
    )
    assert vlm.ask(images, [s.question for s in samples]) == vlm.generate(batch, images)
    with pytest.raises(ValueError, match="empty"):
        vlm.ask(images[:1], [""])
    with pytest.raises(ValueError, match="2 questions cannot be asked about 1 images"):
        vlm.ask(images[:1], ["what?", "what?"])
    assert vlm.ask(images[0], "what?") == vlm.ask(images[:1], ["what?"])


def test_no_gradient_reaches_the_encoder_or_through_the_question(
    make_vlm, tokenizer, images
):
    vlm = make_vlm()
    batch = tokenize(SAMPLES[:3], tokenizer, "image_first").batch(torch.arange(3))
    vlm(batch, images).loss.backward()
    assert all(p.grad is None for p in vlm.vision.parameters())
    assert all(p.grad is not None for p in vlm.language.parameters())


def test_bfloat16_gives_nearly_the_same(make_vlm, tokenizer, features, model):
    vlm = make_vlm(*model)
    batch = everything(tokenizer, "image_first")
    with torch.no_grad():
        exact = vlm(batch, features).loss
        with torch.autocast("cpu", torch.bfloat16):
            torch.testing.assert_close(
                vlm(batch, features).loss, exact, rtol=0.03, atol=0.03
            )


def test_forward_is_at_most_twenty_lines():
    source = inspect.getsource(VLM.forward).splitlines()
    end = next(
        i for i, line in enumerate(source) if i > 1 and line.strip().endswith('"""')
    )
    assert len(source) - end <= 20


def test_configs_and_parts_agree(make_vlm):
    assert make_vlm(QueCCConfig(heads=2), 9).config.visual_tokens == 9
    assert make_vlm(PoolConfig(), 36).compressor.visual_tokens == 36
