"""A factual probe of a language model: facts about words, asked in text.

    vlmcore factual-probe --out book/results/factual_probe

asks SmolLM2-135M-Instruct each fact of `vlmcore.data.easyvqa_facts` after five others
of the same kind with their answers, which show the form of an answer.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from vlmcore.data.easyvqa_facts import FACTS, Fact
from vlmcore.evaluation.metrics import normalize
from vlmcore.models.language import LanguageModel


class ProbedFact(NamedTuple):
    """A fact and the model's answer."""

    fact: Fact
    said: str

    @property
    def right(self) -> bool:
        """Whether the answers agree, normalised as answers about images are."""
        return normalize(self.said) == normalize(self.fact.answer)


_SHOTS = 5
"""Examples before a question."""


def probe_facts(
    language: LanguageModel, seed: int = 0, batch_size: int = 10
) -> list[ProbedFact]:
    """Asks every fact in a chat, after random other facts of its relation as examples.

    Args:
        language: with a chat template.
        seed: of the choice of examples.
        batch_size: facts asked at once.
    """
    rng = np.random.default_rng(seed)
    prompts = [_prompt(language, fact, rng) for fact in FACTS]
    said, device = list[str](), language.model.get_input_embeddings().weight.device
    for rows in range(0, len(prompts), batch_size):
        part = [torch.tensor(prompt) for prompt in prompts[rows : rows + batch_size]]
        length = torch.tensor([len(prompt) for prompt in part])
        tokens = torch.nn.utils.rnn.pad_sequence(
            part, batch_first=True, padding_value=language.tokenizer.pad_token_id
        )
        said += language.generate(
            language.embed(tokens.to(device)), length.to(device), max_new_tokens=6
        )
    return [ProbedFact(fact, answer) for fact, answer in zip(FACTS, said, strict=True)]


def _prompt(language: LanguageModel, fact: Fact, rng: np.random.Generator) -> list[int]:
    others = [
        other for other in FACTS if other.relation == fact.relation and other != fact
    ]
    turns = [{"role": "system", "content": "Answer with one word."}]
    for i in rng.permutation(len(others))[:_SHOTS]:
        turns.append({"role": "user", "content": others[i].question(others[i].word)})
        turns.append({"role": "assistant", "content": others[i].answer})
    turns.append({"role": "user", "content": fact.question(fact.word)})
    text = language.tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, tokenize=False
    )
    return language.tokenizer(text, add_special_tokens=False)["input_ids"]


def factual_probe_result(model: str, out: Path) -> dict[str, Any]:
    """Probes a model and returns the contents of its result file.

    Args:
        model: folder or hub name of a chat model.
        out: folder of the result file, named in the command.
    """
    known = probe_facts(LanguageModel.from_pretrained(model))
    facts = [
        {"word": fact.word, "relation": fact.relation, "said": k.said, "right": k.right}
        for k in known
        for fact in [k.fact]
    ]
    return {
        "name": model.split("/")[-1].lower(),
        "right": sum(k.right for k in known),
        "count": len(known),
        "facts": facts,
        "command": f"vlmcore factual-probe --out {out}",
    }
