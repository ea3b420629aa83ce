"""The vision-language model: encode the image, compress it, splice, decode.

The image becomes V embeddings, the visual prefix, which stand in the text like words.
Data never know V: the batch says before which token the visual prefix goes
(`Batch.image_at`), and `splice` makes room for it in the text and in the labels.
"""

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
from vlmcore.files import files_beside, read_json, write_json
from vlmcore.models.compressors import build_compressor
from vlmcore.models.language import LanguageModel
from vlmcore.models.prefix_cache import shared_prefix
from vlmcore.models.pretrained.checks import check_safetensors
from vlmcore.models.vision import VisionEncoder, VisionFeatures


class VLMOutput(NamedTuple):
    """The loss over all labelled tokens, and what it was computed from."""

    loss: Tensor
    logits: Tensor
    """float (labels, vocabulary)"""
    targets: Tensor
    """int (labels,)"""


class Spliced(NamedTuple):
    """Text with the visual prefix in it."""

    embeddings: Tensor
    """float (b, t+V, e)"""
    labels: Tensor
    """int (b, t+V)"""
    length: Tensor
    """int (b,): embeddings that are not padding."""


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
        """A VLM with an untrained compressor between two given parts.

        The sizes of the parts replace those of `config`.
        """
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
        shared_prefix: int = 0,
    ) -> VLMOutput:
        """Loss and logits where the labels are.

        Args:
            batch: text and labels.
            images: features, or RGB pixels (b, 3, h, h); a blind model ignores them.
            visual_tokens: V, for a compressor that can choose; by default the config's.
            shared_prefix: leading tokens, the same in every row, that are run once
                (`vlmcore.models.prefix_cache`); by default every row is run in full.
        """
        features = self.encode_images(images)
        visual = self.compress(features, batch, visual_tokens)
        spliced = splice(self.language.embed(batch.text), visual, batch)
        hidden = self.language(spliced.embeddings, shared_prefix)

        targets = spliced.labels[:, 1:]
        scored = targets != IGNORE  # the head is wide: apply it only where a label is
        logits = self.language.logits(hidden[:, :-1][scored])
        loss = F.cross_entropy(logits.float(), targets[scored])
        return VLMOutput(loss, logits, targets[scored])

    def encode_images(
        self, images: VisionFeatures | Tensor | None
    ) -> VisionFeatures | None:
        """Features of images, for a model that has a compressor.

        Images that are features already are returned as they are.
        """
        if self.config.compressor is None:
            return None
        if isinstance(images, VisionFeatures):
            return images
        if images is None:
            raise ValueError(
                "this model needs images; give it features or pixels, or build a blind "
                "one with visual_tokens=0 and compressor=None"
            )
        with torch.no_grad():
            return self.vision(images, attention=self.config.compressor.sees_attention)

    def compress(
        self,
        features: VisionFeatures | None,
        batch: Batch,
        visual_tokens: int | None = None,
    ) -> Tensor:
        """Visual tokens, float (b, V, e), none for a blind model.

        A question-aware compressor is conditioned on the question's state.
        """
        if self.compressor is None or self.config.compressor is None:
            if visual_tokens:
                raise ValueError(
                    f"a blind model has no {visual_tokens} visual tokens; build one "
                    "with a compressor"
                )
            return self.language.embed(batch.text[:, :0])
        assert features is not None, "encode_images gives features or raises"
        question = None
        if self.config.compressor.sees_question:
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
        """Greedy answers to a batch that was tokenised without answers.

        A prefix that all rows share is run once. The arguments are those of `forward`.
        """
        visual = self.compress(self.encode_images(images), batch, visual_tokens)
        spliced = splice(self.language.embed(batch.text), visual, batch)
        return self.language.generate(
            spliced.embeddings, spliced.length, max_new_tokens, shared_prefix(batch)
        )

    def ask(
        self, images: Tensor, questions: Sequence[str], max_new_tokens: int = 8
    ) -> list[str]:
        """Answers one question about each image.

        Args:
            images: RGB pixels (b, 3, h, h).
            questions: b of them.
            max_new_tokens: the longest answer.
        """
        if isinstance(questions, str) or len(questions) != len(images):
            one = isinstance(questions, str)
            given = "one string" if one else f"{len(questions)} questions"
            raise ValueError(
                f"{given} cannot be asked about {len(images)} images; give a list "
                "with one question for each"
            )
        tokens = tokenize(
            [
                Sample(row, question, "", "", 1)
                for row, question in enumerate(questions)
            ],
            self.language.tokenizer,
            self.config.order,
            answers=False,
            template=self.language.prompt_template,
        )
        device = next(self.parameters()).device
        batch = tokens.batch(torch.arange(len(questions))).to(device)
        return self.generate(batch, images.to(device), max_new_tokens)

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes encoder, language model, tokenizer, compressor and config to a folder.

        Encoder and language model are in transformers' format, the compressor is in
        safetensors. Each file appears complete or not at all, `config.json` last; any
        other file in the folder stays as it is.
        """
        with files_beside(folder) as partial:
            self.vision.save_pretrained(partial / "vision")
            self.language.save_pretrained(partial / "language")
            if self.compressor is not None:
                weights = self.compressor.state_dict()
                save_file(
                    {name: x.contiguous() for name, x in weights.items()},
                    partial / "compressor.safetensors",
                )
        write_json(Path(folder) / "config.json", to_dict(self.config))

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "VLM":
        """Loads what `save_pretrained` wrote.

        Raises:
            FileNotFoundError: a part is missing.
            ValueError: a part is damaged, or a field of the config is unknown.
        """
        folder = Path(folder)
        config = from_dict(VLMConfig, read_json(_existing(folder / "config.json")))
        vision = VisionEncoder.from_pretrained(folder / "vision", config.vision.layers)
        language = LanguageModel.from_pretrained(folder / "language")
        vlm = cls.from_parts(config, vision, language)
        if vlm.compressor is not None:
            weights = _existing(folder / "compressor.safetensors")
            check_safetensors(weights)
            try:
                vlm.compressor.load_state_dict(load_file(weights))
            except RuntimeError as error:
                raise ValueError(
                    f"{weights} does not fit config.json: {config.compressor}, V = "
                    f"{config.visual_tokens}"
                ) from error
        return vlm.eval()


def splice(text: Tensor, visual: Tensor, batch: Batch) -> Spliced:
    """Inserts the visual prefix into every text, before `Batch.image_at`.

    Args:
        text: float (b, t, e)
        visual: float (b, V, e)
        batch: gives labels, positions and lengths.
    """
    width, v = text.shape[1], visual.shape[1]
    at = batch.image_at[:, None]
    position = torch.arange(width, device=text.device).expand(len(text), -1)
    of_text = position + v * (position >= at)
    of_image = at + torch.arange(v, device=text.device)
    order = torch.cat([of_text, of_image], dim=1).argsort(dim=1)
    embeddings = torch.cat([text, visual.to(text.dtype)], dim=1)
    labels = F.pad(batch.labels, (0, v), value=IGNORE)
    return Spliced(
        embeddings.gather(1, order[..., None].expand_as(embeddings)),
        labels.gather(1, order),
        batch.length + v,
    )


def _existing(path: Path) -> Path:
    """The path of a file, or a sentence if there is none."""
    if not path.exists():
        raise FileNotFoundError(
            f"{path.parent} holds no {path.name}; give the folder that "
            "save_pretrained wrote"
        )
    return path
