"""Conversations as token ids: chat templates, the place of the image, scored tokens.

A template is the jinja text that transformers keeps with a tokenizer. The image stands
in a turn as `<image>`, and text may be on both sides of it. As in LLaVA
(arXiv 2310.03744), the pieces of text around it are tokenised one by one, each whole,
and only the first keeps the start token. A tokenizer that knows `<image>` as a token,
as those of `llava-hf` do, reads the whole text at once.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from transformers import PreTrainedTokenizerBase

IMAGE = "<image>"
"""Stands for the image in a text."""
NO_IMAGE = -1
"""Position of the image in a text that has none."""

_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. The "
    "assistant gives helpful, detailed, and polite answers to the user's questions. "
)
_USER_ASSISTANT = (
    "{% for turn in messages %}{% if turn.role == 'user' %}"
    "{{ 'USER: ' + turn.content + ' ' }}"
    "{% else %}{{ 'ASSISTANT: ' + turn.content + eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
TEMPLATES = {
    "vicuna_v1": _SYSTEM + _USER_ASSISTANT,
    "llava_hf": _USER_ASSISTANT,
    "chatml": "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}"
    "{% for turn in messages %}"
    "{{ '<|im_start|>' + turn.role + '\n' + turn.content + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "plain": "{% for turn in messages %}{% if turn.role == 'assistant' %}"
    "{{ turn.content + '\n' }}{% elif '<image>' in turn.content %}"
    "{{ '<image>' }}{% endif %}{% endfor %}",
}
"""LLaVA's templates: of Vicuna; the same without a system prompt, as `llava-hf` has it;
of Qwen; and of stage 1, where a caption follows the image and no question is read."""


class ChatTemplate(NamedTuple):
    """One of the `TEMPLATES`, in whose turns `<image>` stands for the image."""

    jinja: str

    def encode(
        self,
        questions: Sequence[str],
        answers: Sequence[str] | None,
        tokenizer: PreTrainedTokenizerBase,
        order: str,
    ) -> tuple[list["Encoded"], list[list[int]]]:
        """Samples as conversations of one question, and their questions alone."""
        chats = []
        for row, question in enumerate(questions):
            turns = [question_turn(question, order)]
            if answers is not None:
                turns.append({"role": "assistant", "content": answers[row]})
            chats.append(encode(turns, tokenizer, self))
        return chats, [encode_question(each, tokenizer) for each in questions]


class Encoded(NamedTuple):
    """A conversation as a model reads it."""

    tokens: list[int]
    scored: list[bool]
    """Which tokens are of answers, with the end of each."""
    image_at: int
    """The visual prefix is inserted before this token; `NO_IMAGE` without an image."""


def question_turn(question: str, order: str) -> dict[str, str]:
    """A user's turn with the image before the question, or after it."""
    parts = [IMAGE, question]
    text = "\n".join(parts if order == "image_first" else parts[::-1])
    return {"role": "user", "content": text}


def encode(
    turns: Sequence[dict[str, str]],
    tokenizer: PreTrainedTokenizerBase,
    template: ChatTemplate,
) -> Encoded:
    """Tokenises a conversation; one that ends with a user's turn is to be answered.

    Args:
        turns: `{"role": "user" or "assistant", "content": text}`.
        tokenizer: a fast one, which knows where in the text its tokens are.
        template: from `TEMPLATES`.

    Raises:
        ValueError: there is more than one image, or the tokenizer is not a fast one.
    """
    if not tokenizer.is_fast:
        raise ValueError(
            f"a {type(tokenizer).__name__} does not say where its tokens are in the "
            "text; save a fast tokenizer, with a tokenizer.json"
        )
    asked = turns[-1]["role"] == "user"
    text = _render(turns, tokenizer, template, asked)
    if (images := text.count(IMAGE)) > 1:
        raise ValueError(f"a conversation is about {images} images; give one of each")
    answers = []
    for number, turn in enumerate(turns):
        if turn["role"] == "assistant":
            start = len(_render(turns[:number], tokenizer, template, True))
            end = len(_render(turns[: number + 1], tokenizer, template, False))
            answers.append((start, end))
    tokens: list[int] = []
    scored: list[bool] = []
    image_at = NO_IMAGE
    for token, start, end in _tokens(text, tokenizer):
        if token is None:
            image_at = len(tokens)
            continue
        tokens.append(token)
        scored.append(any(start < stop and first < end for first, stop in answers))
    return Encoded(tokens, scored, image_at)


def encode_question(question: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """A question alone, as the released QueCC hands it to the language model.

    It is stripped, and cut off before the word ASSISTANT, by which the released code
    finds its end. In a chat template of other words the released code would read the
    assistant's opening along; here it does not.
    """
    return tokenizer(question.partition("ASSISTANT")[0].strip())["input_ids"]


def _render(turns: Any, tokenizer: Any, template: ChatTemplate, asked: bool) -> str:
    return tokenizer.apply_chat_template(
        list(turns),
        chat_template=template.jinja,
        add_generation_prompt=asked,
        tokenize=False,
    )


def _tokens(text: str, tokenizer: Any) -> Iterator[tuple[int | None, int, int]]:
    """Tokens with their place in the text; None is the image."""
    known = tokenizer.get_added_vocab().get(IMAGE)
    pieces = [text] if known is not None else text.split(IMAGE)
    offset = 0
    for number, piece in enumerate(pieces):
        found = tokenizer(piece, return_offsets_mapping=True)
        tokens = list(zip(found["input_ids"], found["offset_mapping"], strict=True))
        if number:
            yield None, offset, offset
            offset += len(IMAGE)
            if tokens and tokens[0][0] == tokenizer.bos_token_id:
                tokens = tokens[1:]
        for token, (start, end) in tokens:
            yield (None if token == known else token), offset + start, offset + end
        offset += len(piece)
