"""The vision-language model: see, compress, place among the text, speak.

The image becomes V embeddings that stand in the text like words. Data never know V: the
batch says where the block goes (`Batch.image_at`), and `splice` opens the gap, in the
text and in the labels.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from vlmcore.config import VLMConfig, from_dict, replace, to_dict
from vlmcore.data.samples import IGNORE, Batch, Sample, tokenize
from vlmcore.files import read_json
from vlmcore.models.compressors import build_compressor
from vlmcore.models.language import LanguageModel
from vlmcore.models.pretrained.checks import check_safetensors
from vlmcore.models.vision import VisionEncoder, VisionFeatures

SHORTEST_SHARED = 8
"""Tokens at the beginning from which on they are read once for the whole batch."""


class VLMOutput(NamedTuple):
    """Loss over the labelled tokens, and the logits (labels, vocabulary) and targets (labels,) it was computed from."""

    loss: Tensor
    logits: Tensor
    targets: Tensor


class Spliced(NamedTuple):
    """Text with the visual tokens in their place: embeddings (b, t+V, e), labels (b, t+V), length (b,)."""

    embeddings: Tensor
    labels: Tensor
    length: Tensor


class VLM(nn.Module):
    """A vision-language model with V visual tokens.

    Args:
        config: sizes, V and order; must agree with the parts.
        vision: frozen encoder.
        compressor: None for a blind model.
        language: the language model.
    """

    def __init__(
        self,
        config: VLMConfig,
        vision: VisionEncoder,
        compressor: nn.Module | None,
        language: LanguageModel,
    ) -> None:
        super().__init__()
        self.config = config
        self.vision = vision
        self.compressor = compressor
        self.language = language

    @classmethod
    def from_parts(
        cls, config: VLMConfig, vision: VisionEncoder, language: LanguageModel
    ) -> "VLM":
        """A VLM with a new compressor between an encoder and a language model, whose sizes replace those of `config`."""
        config = replace(config, vision=vision.config, language=language.config)
        return cls(config, vision, build_compressor(config), language)

    @classmethod
    def from_config(
        cls, config: VLMConfig, tokenizer: PreTrainedTokenizerBase
    ) -> "VLM":
        """A VLM whose parts are all untrained."""
        return cls.from_parts(
            config,
            VisionEncoder.from_config(config.vision),
            LanguageModel.from_config(config.language, tokenizer),
        )

    def forward(
        self,
        batch: Batch,
        images: VisionFeatures | Tensor | None,
        visual_tokens: int | None = None,
    ) -> VLMOutput:
        """Loss and logits where the labels are.

        Args:
            batch: text and labels.
            images: features, or RGB pixels (b, 3, h, h); not looked at by a blind
                model.
            visual_tokens: V, for a compressor that can choose; that of the config if
                None.
        """
        features = self.see(images)
        visual = self.compress(features, batch, visual_tokens)
        placed = splice(self.language.embed(batch.text), visual, batch)
        hidden = self.language(placed.embeddings, shared_opening(batch))

        targets = placed.labels[:, 1:]
        scored = (
            targets != IGNORE
            # the head is the widest matrix of a small model: use it only where there is
            # a label
        )
        logits = self.language.logits(hidden[:, :-1][scored])
        return VLMOutput(
            F.cross_entropy(logits.float(), targets[scored]), logits, targets[scored]
        )

    def see(self, images: VisionFeatures | Tensor | None) -> VisionFeatures | None:
        """Features of images; those that are features already pass through."""
        if self.compressor is None or self.config.compressor is None:
            return None
        if isinstance(images, VisionFeatures):
            return images
        if images is None:
            raise ValueError(
                "this model sees; give it features or pixels, or build a blind one "
                "with visual_tokens=0 and compressor=None"
            )
        with torch.no_grad():
            return self.vision(images, attention=self.config.compressor.sees_attention)

    def compress(
        self,
        features: VisionFeatures | None,
        batch: Batch,
        visual_tokens: int | None = None,
    ) -> Tensor:
        """Visual tokens (b, V, e), none for a blind model; a question-aware compressor is told the question's state."""
        if self.compressor is None or self.config.compressor is None:
            if visual_tokens:
                raise ValueError(
                    f"a blind model has no {visual_tokens} visual tokens; build one "
                    "with a compressor"
                )
            return self.language.embed(batch.text[:, :0])
        question = None
        if self.config.compressor.sees_question:
            assert features is not None, "see() refuses"
            question = self.language.encode_question(
                batch.question, batch.question_length
            ).to(features.layers.dtype)
        return self.compressor(features, question, visual_tokens=visual_tokens)

    @torch.inference_mode()
    def generate(
        self,
        batch: Batch,
        images: VisionFeatures | Tensor | None,
        max_new_tokens: int = 8,
        visual_tokens: int | None = None,
    ) -> list[str]:
        """Greedy answers to a batch that was tokenised without answers; V as for `forward`."""
        visual = self.compress(self.see(images), batch, visual_tokens)
        placed = splice(self.language.embed(batch.text), visual, batch)
        return self.language.generate(
            placed.embeddings, placed.length, max_new_tokens, shared_opening(batch)
        )

    def ask(
        self, images: Tensor, questions: Sequence[str], max_new_tokens: int = 8
    ) -> list[str]:
        """Answers one question about each image, the short way.

        Args:
            images: RGB pixels (b, 3, h, h).
            questions: b of them.
            max_new_tokens: the longest answer.
        """
        if isinstance(questions, str) or len(questions) != len(images):
            given = (
                "one string"
                if isinstance(questions, str)
                else f"{len(questions)} questions"
            )
            raise ValueError(
                f"{given} cannot be asked about {len(images)} images; give a list "
                "with one question for each"
            )
        samples = [
            Sample(i, question, "", "", 1) for i, question in enumerate(questions)
        ]
        tokens = tokenize(
            samples,
            self.language.tokenizer,
            self.config.order,
            answers=False,
            template=self.language.prompt_template,
        )
        device = next(self.parameters()).device
        return self.generate(
            tokens.batch(torch.arange(len(samples))).to(device),
            images.to(device),
            max_new_tokens,
        )

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes encoder, language model and tokenizer in transformers' own format, the compressor as safetensors, and the config.

        The folder appears complete or not at all.
        """
        folder = Path(folder)
        partial, old = (
            folder.with_name(folder.name + ".partial"),
            folder.with_name(folder.name + ".old"),
        )
        for left_over in (partial, old):  # of a save that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        partial.mkdir(parents=True)
        self.vision.save_pretrained(partial / "vision")
        self.language.save_pretrained(partial / "language")
        if self.compressor is not None:
            save_file(
                {
                    name: x.contiguous()
                    for name, x in self.compressor.state_dict().items()
                },
                partial / "compressor.safetensors",
            )
        (partial / "config.json").write_text(
            json.dumps(to_dict(self.config), indent=2) + "\n"
        )
        if folder.exists():
            folder.replace(old)
        partial.replace(folder)
        shutil.rmtree(old, ignore_errors=True)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "VLM":
        """Loads what `save_pretrained` wrote.

        Raises:
            FileNotFoundError: a part is missing.
            ValueError: a part is damaged, or a field of the config is unknown.
        """
        folder = Path(folder)
        if not (folder / "config.json").exists():
            raise FileNotFoundError(
                f"{folder} holds no config.json; give the folder that save_pretrained "
                "wrote"
            )
        config = from_dict(VLMConfig, read_json(folder / "config.json"))
        vision = VisionEncoder.from_pretrained(folder / "vision", config.vision.layers)
        vlm = cls.from_parts(
            config, vision, LanguageModel.from_pretrained(folder / "language")
        )
        if vlm.compressor is not None:
            weights = folder / "compressor.safetensors"
            if not weights.exists():
                raise FileNotFoundError(
                    f"{folder} holds no compressor.safetensors; give the folder that "
                    "save_pretrained wrote"
                )
            check_safetensors(weights)
            try:
                vlm.compressor.load_state_dict(load_file(weights))
            except RuntimeError as error:
                raise ValueError(
                    f"{weights} does not fit config.json: {config.compressor}, V = "
                    f"{config.visual_tokens}"
                ) from error
        return vlm.eval()


def shared_opening(batch: Batch) -> int:
    """How many tokens before any image are the same in every row: the opening of a chat, or one question about many images.

    Short ones count as none; it costs less to read them in every row than to hand on
    their keys and values.
    """
    before = batch.text[:, : int(batch.image_at.min())]
    same = int((before == before[:1]).all(dim=0).long().cumprod(dim=0).sum())
    return same if same >= SHORTEST_SHARED else 0


def splice(text: Tensor, visual: Tensor, batch: Batch) -> Spliced:
    """Opens a gap of V in every text, before `image_at`, and puts the visual tokens there.

    Args:
        text: float (b, t, e)
        visual: float (b, V, e)
        batch: gives labels, places and lengths.
    """
    width, block = text.shape[1], visual.shape[1]
    at = batch.image_at[:, None]
    position = torch.arange(width, device=text.device).expand(len(text), -1)
    places = torch.cat(
        [
            position + block * (position >= at),
            at + torch.arange(block, device=text.device),
        ],
        dim=1,
    )
    order = places.argsort(dim=1)
    embeddings = torch.cat([text, visual.to(text.dtype)], dim=1)
    labels = F.pad(batch.labels, (0, block), value=IGNORE)
    return Spliced(
        embeddings.gather(1, order[..., None].expand_as(embeddings)),
        labels.gather(1, order),
        batch.length + block,
    )
