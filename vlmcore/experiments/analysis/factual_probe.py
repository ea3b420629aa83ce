"""What a language model knows before it sees: the facts of `vlmcore.data.easyvqa_facts`, asked in text.

    vlmcore factual-probe --out book/results/factual_probe

asks SmolLM2-135M-Instruct each fact after five others of the same kind with their
answers, so that it knows what form is wanted.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from vlmcore.data.easyvqa_facts import FACTS, Fact
from vlmcore.evaluation.metrics import normalize
from vlmcore.models.language import LanguageModel


class ProbedFact(NamedTuple):
    """A fact and what the model said."""

    fact: Fact
    said: str

    @property
    def right(self) -> bool:
        """By the same normalisation as answers about images."""
        return normalize(self.said) == normalize(self.fact.answer)


def probe_facts(
    language: LanguageModel, shots: int = 5, seed: int = 0, batch_size: int = 10
) -> list[ProbedFact]:
    """Asks every fact in a chat, after `shots` other facts of its relation, drawn at random, with their answers.

    Args:
        language: with a chat template.
        shots: examples before the question.
        seed: of their choice.
        batch_size: facts asked at once.
    """
    rng = np.random.default_rng(seed)
    prompts = [_prompt(language, fact, shots, rng) for fact in FACTS]
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


def _prompt(
    language: LanguageModel, fact: Fact, shots: int, rng: np.random.Generator
) -> list[int]:
    others = [
        other for other in FACTS if other.relation == fact.relation and other != fact
    ]
    turns = [{"role": "system", "content": "Answer with one word."}]
    for i in rng.permutation(len(others))[:shots]:
        turns.append({"role": "user", "content": others[i].question(others[i].word)})
        turns.append({"role": "assistant", "content": others[i].answer})
    turns.append({"role": "user", "content": fact.question(fact.word)})
    text = language.tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, tokenize=False
    )
    return language.tokenizer(text, add_special_tokens=False)["input_ids"]


def factual_probe_result(model: str, out: Path) -> dict[str, Any]:
    """Probes a model and returns what its result file holds.

    Args:
        model: folder or hub name of a chat model.
        out: folder of the result file, named in the command.
    """
    known = probe_facts(LanguageModel.from_pretrained(model))
    facts = [
        {
            "word": k.fact.word,
            "relation": k.fact.relation,
            "said": k.said,
            "right": k.right,
        }
        for k in known
    ]
    return {
        "name": model.split("/")[-1].lower(),
        "right": sum(k.right for k in known),
        "count": len(known),
        "facts": facts,
        "command": f"vlmcore factual-probe --out {out}",
    }
