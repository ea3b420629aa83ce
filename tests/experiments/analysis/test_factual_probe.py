from tests.conftest import TINY_LANGUAGE
from vlmcore.config import replace
from vlmcore.data.easyvqa_facts import FACTS
from vlmcore.experiments.analysis.factual_probe import probe_facts
from vlmcore.models.language import LanguageModel, word_tokenizer


def test_each_fact_is_asked_after_others_of_its_kind(monkeypatch):
    """The prompt has five other facts with their answers, and never its own answer."""
    tokenizer = word_tokenizer(
        [f"{fact.question(fact.word)} {fact.answer}" for fact in FACTS]
    )
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    language = LanguageModel.from_config(
        replace(TINY_LANGUAGE, vocab_size=len(tokenizer)), tokenizer
    )
    prompts = []
    monkeypatch.setattr(language, "embed", lambda tokens: tokens)

    def generate(tokens, length, max_new_tokens):
        prompts.extend(
            tokenizer.decode(row[:n]) for row, n in zip(tokens, length, strict=True)
        )
        return [
            "Redness" if prompts[-1].endswith("?") and i == 0 else "x"
            for i in range(len(tokens))
        ]

    monkeypatch.setattr(language, "generate", generate)
    known = probe_facts(language, batch_size=1)
    assert [k.fact for k in known] == list(FACTS) and len(prompts) == len(FACTS)
    for prompt, fact in zip(prompts, FACTS, strict=True):
        assert prompt.count("?") == 6 and prompt.replace(" ", "").endswith(
            fact.question(fact.word).replace(" ", "")
        )
        own = fact.answer if fact.relation != "letter" else None
        assert own is None or own not in prompt.split()
    assert [k.fact.answer for k in known if k.right] == ["redness"]
