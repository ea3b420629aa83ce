import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from tests.conftest import TINY_LANGUAGE
from vlmcore.config import replace
from vlmcore.language import LanguageModel, word_tokenizer


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
    alone = language.model(question[1:, :2], output_hidden_states=True).hidden_states[-1][0, -1]
    torch.testing.assert_close(state[1], alone)
    assert not state.requires_grad


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
    "make", [lambda s: LlamaForCausalLM(LlamaConfig(**s)), lambda s: Qwen2ForCausalLM(Qwen2Config(**s))], ids=["llama", "qwen2"]
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
