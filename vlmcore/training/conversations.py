"""Conversations about images as a data set for a `VQADataModule`.

    data = ConversationData(Conversations("mix.json", "images"), vlm)
    VQADataModule(data, stage, workers=4)

Tokens and pixels of a batch are made when it is asked for, by loader processes if the
data module has some.
"""

from functools import lru_cache
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from vlmcore.config.validation import check_choice, check_kind, whole
from vlmcore.data.chat import (
    NO_IMAGE,
    TEMPLATES,
    ChatTemplate,
    Encoded,
    encode,
    encode_question,
)
from vlmcore.data.conversations import Conversation, Conversations
from vlmcore.data.samples import Tokens, pad_chats
from vlmcore.models.images import read_image, to_pixels
from vlmcore.models.vlm import VLM
from vlmcore.training.data import VQABatch
from vlmcore.training.steps import MicroBatch, Part


class ConversationData:
    """Conversations for a model: its tokenizer, order, image size and colour.

    The template is set in the model's tokenizer too, so that it is asked as it was
    trained.

    Args:
        conversations: and where their images are.
        vlm: the model to train.
        template: one of `TEMPLATES`.
        longest: tokens of text after which a conversation is cut off.
    """

    def __init__(
        self,
        conversations: Conversations,
        vlm: VLM,
        template: str = "vicuna_v1",
        longest: int = 2048,
    ) -> None:
        hint = "give vlmcore.data.conversations.Conversations"
        check_kind("conversations", conversations, Conversations, hint)
        check_kind("vlm", vlm, VLM, "give a VLM")
        check_choice("template", template, TEMPLATES)
        self.conversations, self.longest = conversations, whole("longest", longest)
        self.template = ChatTemplate(TEMPLATES[template])
        self.tokenizer: Any = vlm.language.tokenizer
        self.tokenizer.chat_template = self.template.jinja
        self.order, self.sees = vlm.config.order, vlm.compressor is not None
        self.size = vlm.vision.model.config.image_size
        self.padding = vlm.vision.padding
        self._epoch = lru_cache(maxsize=1)(conversations.epoch)

    @property
    def samples(self) -> int:
        """The number of conversations."""
        return len(self.conversations)

    def made_of(self) -> dict[str, Any]:
        """Everything that decides the batches, apart from the images' pixels."""
        words = self.tokenizer.get_vocab()
        rule = [self.template.jinja, self.order, self.longest, self.size, self.padding]
        return {"conversations": self.conversations, "text": [rule, words]}

    def check(self, *, labelled: bool) -> None:
        """Conversations were checked when they were read; each has an answer."""

    def rows_of_step(self, size: int, seeds: tuple[int, ...], step: int) -> Tensor:
        """The rows of a training step: of similar lengths, and a pure function."""
        batches = len(self.conversations) // min(size, len(self.conversations))
        epoch, index = divmod(step, batches)
        return torch.from_numpy(self._epoch(size, seeds, epoch)[index])

    def batch(self, rows: Tensor) -> VQABatch:
        """The conversations in `rows`, int (b,), with the pixels of their images."""
        some = [self.conversations[row] for row in rows.tolist()]
        return self._batch(rows, some, [self._encode(x) for x in some])

    def part(self, rows: Tensor, part: Part) -> MicroBatch:
        """A part of a global batch, weighted by its share of the labels."""
        some = [self.conversations[row] for row in rows.tolist()]
        chats = [self._encode(x) for x in some]
        labels = [_learnt(chat) for chat in chats]
        mine = part.of(torch.arange(len(rows))).tolist()
        counted = sum(labels[i] for i in mine)
        if not counted:  # such a part still joins the collective calls, with weight 0
            mine = [labels.index(max(labels))]
        batch = self._batch(
            rows[mine], [some[i] for i in mine], [chats[i] for i in mine]
        )
        return MicroBatch(batch, part.total * counted / max(1, sum(labels)))

    def _encode(self, conversation: Conversation) -> Encoded:
        seen = self.sees
        turns = conversation.marked(self.order) if seen else conversation.turns
        tokens, scored, at = encode(turns, self.tokenizer, self.template)
        if at >= self.longest:
            raise ValueError(
                f"the image of a conversation stands at token {at}, and texts are cut "
                f"off after {self.longest}; raise longest"
            )
        return Encoded(tokens[: self.longest], scored[: self.longest], at)

    def _batch(
        self, rows: Tensor, some: list[Conversation], chats: list[Encoded]
    ) -> VQABatch:
        questions = [encode_question(x.question, self.tokenizer) for x in some]
        tokens: Tokens = pad_chats(chats, questions, self.tokenizer)
        samples = tokens.batch(torch.arange(len(some)))
        if not self.sees:
            return VQABatch(rows, samples, None)
        empty = Image.new("RGB", (1, 1), self.padding)
        images = [
            read_image(self.conversations.images.read(x.image), x.image)
            if chat.image_at != NO_IMAGE and x.image
            else empty
            for x, chat in zip(some, chats, strict=True)
        ]
        pixels = to_pixels(images, self.size, self.padding)
        # as bytes they are a quarter, on their way from a loader process
        return VQABatch(rows, samples, (pixels * 255).round().to(torch.uint8))


def _learnt(chat: Encoded) -> int:
    """Tokens with a loss: of the answers, those that follow something."""
    first_of_all = any(chat.scored[:1]) and chat.image_at != 0
    return sum(chat.scored) - first_of_all
