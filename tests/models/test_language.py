import json

import pytest
import torch
from transformers import (
    CONFIG_MAPPING,
    AutoModelForCausalLM,
    CLIPVisionConfig,
    CLIPVisionModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from tests.conftest import TINY_LANGUAGE
from vlmcore.config import VLMConfig, replace
from vlmcore.cost import parameters
from vlmcore.data.samples import PromptTemplate
from vlmcore.models.language import LanguageModel, word_tokenizer
from vlmcore.models.language_families import LANGUAGE_FAMILIES


@pytest.fixture
def language(tokenizer):
    torch.manual_seed(0)
    return LanguageModel.from_config(TINY_LANGUAGE, tokenizer).eval()


def test_forward_from_embeddings_is_transformers_own(language):
    tokens = torch.randint(4, 16, (2, 7))
    with torch.no_grad():
        ours = language.logits(language(language.embed(tokens)))
        torch.testing.assert_close(ours, language.model(tokens).logits)


def test_the_questions_state_is_that_of_its_last_word_however_it_is_padded(language):
    question = torch.tensor([[2, 5, 6, 7], [2, 8, 0, 0]])
    state = language.encode_question(question, torch.tensor([4, 2]))
    alone = language.model(question[1:, :2], output_hidden_states=True).hidden_states[
        -1
    ][0, -1]
    torch.testing.assert_close(state[1], alone)
    assert not state.requires_grad


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_a_shared_prefix_is_run_once(language, attention):
    """Answers, hidden states and gradients are those of running it in every row."""
    language.model.set_attn_implementation(attention)
    torch.manual_seed(2)
    prefix, rest = torch.randn(1, 5, 24, requires_grad=True), torch.randn(4, 6, 24)
    embeddings = torch.cat([prefix.expand(4, -1, -1), rest], dim=1)
    length = torch.tensor([11, 7, 6, 9])
    answers = [
        language.generate(embeddings, length, 6, shared_prefix=n) for n in (0, 3, 5)
    ]
    assert len(set(answers[0])) > 1 and answers[0] == answers[1] == answers[2]

    real = torch.arange(11) < length[:, None]
    plain, once = (language(embeddings, n)[real] for n in (0, 5))
    torch.testing.assert_close(once, plain)
    gradients = [torch.autograd.grad(x.pow(3).sum(), prefix) for x in (plain, once)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


def test_generation_equals_taking_the_best_word_again_and_again(language):
    torch.manual_seed(1)
    embeddings, length = torch.randn(3, 6, 24), torch.tensor([6, 3, 4])
    said = language.generate(embeddings, length, max_new_tokens=5)
    for row in range(3):
        alone, words = embeddings[row : row + 1, : length[row]], []
        for _ in range(5):
            with torch.no_grad():
                word = language.logits(language(alone))[0, -1].argmax()
            if word == language.tokenizer.eos_token_id:
                break
            words.append(word)
            alone = torch.cat([alone, language.embed(word)[None, None]], dim=1)
        assert said[row] == language.tokenizer.decode(words, skip_special_tokens=True)


@pytest.mark.parametrize(
    "make",
    [
        lambda s: LlamaForCausalLM(LlamaConfig(**s)),
        lambda s: Qwen2ForCausalLM(Qwen2Config(**s)),
    ],
    ids=["llama", "qwen2"],
)
def test_checkpoints_in_transformers_format_are_loaded(make, tokenizer, tmp_path):
    sizes = {
        "vocab_size": 16,
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 40,
    }
    model = make(sizes).eval()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    language = LanguageModel.from_pretrained(tmp_path)
    tokens = torch.tensor([[2, 5, 6]])
    with torch.no_grad():
        torch.testing.assert_close(language.model(tokens).logits, model(tokens).logits)
    assert language.tokenizer.tokenize("what colour?") == ["what", "colour", "?"]
    assert language.config.kv_heads == 2


@pytest.mark.parametrize("family", LANGUAGE_FAMILIES)
def test_every_family_is_described_to_the_last_parameter(family, tokenizer, tmp_path):
    sizes = dict(vars(TINY_LANGUAGE))
    config = CONFIG_MAPPING[family](
        vocab_size=sizes["vocab_size"],
        hidden_size=sizes["width"],
        num_hidden_layers=sizes["depth"],
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=6,
        intermediate_size=sizes["mlp_width"],
        pad_token_id=0,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    language = LanguageModel.from_pretrained(tmp_path)
    assert (language.config.heads, language.config.kv_heads) == (4, 2)
    counted = parameters(VLMConfig(language.config, 0, None))
    norms = 2 * 2 * 6 * (family == "qwen3")  # of queries and keys, in two layers
    found = sum(x.numel() for x in language.parameters())
    assert counted.language + counted.embedding + counted.head + norms == found
    said = language.generate(torch.randn(2, 5, 24), torch.tensor([5, 3]), 2)
    assert len(said) == 2


def test_a_chat_stands_around_the_question(tokenizer, tmp_path):
    """Without a chat template it is the start token; missing tokens are the end."""
    language = LanguageModel.from_config(TINY_LANGUAGE, tokenizer)
    assert language.prompt_template == PromptTemplate([tokenizer.bos_token_id], [])
    language.save_pretrained(tmp_path)
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    for name in ("bos_token", "pad_token"):
        settings.pop(name)
    template = (
        "{% for m in messages %}what {{ m['content'] }} red{% endfor %}{% if "
        "add_generation_prompt %} yes{% endif %}"
    )
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({**settings, "chat_template": template})
    )
    chat = LanguageModel.from_pretrained(tmp_path)
    assert [chat.tokenizer.decode(part) for part in chat.prompt_template] == [
        "what",
        "red yes",
    ]
    assert (
        chat.tokenizer.bos_token
        == chat.tokenizer.pad_token
        == chat.tokenizer.eos_token
        == "</s>"
    )


def test_a_word_tokenizer_knows_its_words_and_admits_the_others():
    tokenizer = word_tokenizer(["What colour?", "blue"])
    assert tokenizer.tokenize("WHAT blue?") == ["what", "blue", "?"]
    assert tokenizer.tokenize("zebra") == ["<unk>"]
    assert tokenizer.decode(tokenizer("what blue")["input_ids"]) == "what blue"


def test_bad_input_gets_a_sentence(tokenizer, tmp_path):
    with pytest.raises(ValueError, match="15 words and the model 3"):
        LanguageModel.from_config(replace(TINY_LANGUAGE, vocab_size=3), tokenizer)
    with pytest.raises(FileNotFoundError, match=r"holds no config.json"):
        LanguageModel.from_pretrained(tmp_path)
    sizes = {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "intermediate_size": 8,
    }
    CLIPVisionModel(CLIPVisionConfig(**sizes)).save_pretrained(tmp_path)
    with pytest.raises(
        ValueError, match=r"'clip_vision_model' model cannot.*families llama, mistral"
    ):
        LanguageModel.from_pretrained(tmp_path)


def test_the_head_reads_a_slice_without_copying_itself_for_each_row(
    make_vlm, monkeypatch
):
    """torch needs gigabytes, and 16 times as long, where input is not contiguous."""
    language = make_vlm(None, 0).language.requires_grad_(False)
    seen = []
    head = language.model.get_output_embeddings()
    head.register_forward_hook(
        lambda head, inputs, output: seen.append(inputs[0].is_contiguous())
    )
    language.generate(torch.randn(3, 5, 24), torch.tensor([5, 4, 3]), max_new_tokens=2)
    assert seen and all(seen)


def test_recomputed_layers_give_the_same_gradients_with_a_shared_prefix(make_vlm):
    """They keep no keys and values, so the prefix is run in every row."""

    def gradient(recomputed):
        language = make_vlm().language.train()
        if recomputed:
            language.checkpoint_activations()
        torch.manual_seed(0)
        text = torch.randn(1, 12, 24).expand(3, -1, -1).clone()
        text[:, 9:] += torch.randn(3, 3, 24)
        language(text, shared_prefix=9)[..., :5].sum().backward()
        return language.layers[0].mlp.up_proj.weight.grad

    torch.testing.assert_close(gradient(True), gradient(False))
