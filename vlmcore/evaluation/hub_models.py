"""Vision-language models of the hub, asked like those of this package.

`AutoModelForImageTextToText` loads LLaVA, Qwen-VL, SmolVLM and their families. Each
comes with a processor, which resizes images and knows the template of a chat; those of
Qwen-VL and SmolVLM need torchvision, and SmolVLM's needs num2words. What
`evaluation.benchmarks.ask` needs of a model is `Answering`; any object that has it can
be evaluated.
"""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import torch
from PIL import Image
from torch import nn
from transformers import AutoModelForImageTextToText, AutoProcessor, ProcessorMixin

from vlmcore.files import read_json
from vlmcore.models.pretrained import find
from vlmcore.models.pretrained.checks import check_safetensors
from vlmcore.models.pretrained.tensors import weight_files
from vlmcore.models.vlm import VLM

_LLAVA_1_5 = "USER: {image}{question} ASSISTANT:"
"""The template of a checkpoint that has none, such as the first ones of LLaVA-1.5."""


_OF_PROCESSORS = ("num2words", "torchvision")
"""Packages that processors of some families need and this package does not."""


class Answering(Protocol):
    """A model under evaluation."""

    def made_of(self) -> dict[str, Any]:
        """Everything that decides its answers, for `vlmcore.fingerprint`."""

    def ask(
        self,
        images: Sequence[Image.Image | None],
        prompts: Sequence[str],
        max_new_tokens: int,
    ) -> list[str]:
        """Answers a batch greedily, one prompt about each RGB image or about none."""


class HubModel:
    """A model of transformers with its processor.

    Args:
        folder: of the checkpoint, or its name on the hub.
        device: where it runs.
        dtype: of its weights; by default the checkpoint's own, but float32 on a CPU.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        ModuleNotFoundError: its processor needs a package; the message says which.
        ValueError: its processor or its weights cannot be loaded, or it takes no
            images.
    """

    def __init__(
        self,
        folder: str | Path,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | str | None = None,
    ) -> None:
        found, device = find(folder), torch.device(device)
        if not (found / "config.json").exists():
            raise FileNotFoundError(
                f"{found} holds no config.json; give a checkpoint's folder or hub name"
            )
        usual = torch.float32 if device.type == "cpu" else "auto"
        self.processor = _processor(found)
        self.processor.tokenizer.padding_side = "left"
        self.model: Any = _model(found, dtype or usual).to(device).eval()
        tokenizer = self.processor.tokenizer
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token

    def made_of(self) -> dict[str, Any]:
        """Its weights, kind and template."""
        return {
            "kind": self.model.config.model_type,
            "weights": self.model,
            "template": self._prompt("?", True),
        }

    @torch.inference_mode()
    def ask(
        self,
        images: Sequence[Image.Image | None],
        prompts: Sequence[str],
        max_new_tokens: int = 16,
    ) -> list[str]:
        """Answers one prompt about each image; greedily, whatever the checkpoint says.

        Prompts about an image and those about text go through the model apart.
        """
        texts = [""] * len(prompts)
        for seen in (True, False):
            rows = [i for i, image in enumerate(images) if (image is not None) == seen]
            if rows:
                inputs = self._inputs(
                    [self._prompt(prompts[row], seen) for row in rows],
                    [[images[row]] for row in rows] if seen else None,
                )
                answers = self._generate(inputs, max_new_tokens)
                for row, text in zip(rows, answers, strict=True):
                    texts[row] = text
        return texts

    def _inputs(self, texts: list[str], images: list | None) -> Any:
        inputs = self.processor(
            text=texts, images=images, padding=True, return_tensors="pt"
        )
        return inputs.to(self.model.device, self.model.dtype)

    def _generate(self, inputs: Any, max_new_tokens: int) -> list[str]:
        made = self.model.generate(
            **inputs,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            num_beams=1,
            pad_token_id=self.processor.tokenizer.pad_token_id,
        )
        new = made[:, inputs["input_ids"].shape[1] :]
        return self.processor.tokenizer.batch_decode(new, skip_special_tokens=True)

    def _prompt(self, question: str, image: bool) -> str:
        """The text of a chat that asks a question, with the image before it."""
        if self.processor.chat_template is None:
            mark = f"{self.processor.image_token}\n" if image else ""
            return _LLAVA_1_5.format(image=mark, question=question)
        content = [{"type": "image"}] if image else []
        content.append({"type": "text", "text": question})
        return self.processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=False,
        )


def _model(folder: Path, dtype: torch.dtype | str) -> nn.Module:
    for file in weight_files(folder):
        if file.suffix == ".safetensors":
            check_safetensors(file)
    try:
        return AutoModelForImageTextToText.from_pretrained(folder, dtype=dtype)
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise ValueError(
            f"no vision-language model can be loaded from {folder}: {reason}"
        ) from error


def _processor(folder: Path) -> Any:
    try:
        found = AutoProcessor.from_pretrained(folder)
    except (ImportError, OSError) as error:
        problem = f"the processor in {folder} cannot be loaded"
        if missing := [name for name in _OF_PROCESSORS if find_spec(name) is None]:
            raise ModuleNotFoundError(
                f"{problem}; that of Qwen-VL or SmolVLM needs {' and '.join(missing)}, "
                f"get them with: pip install {' '.join(missing)}"
            ) from error
        raise ValueError(f"{problem}: {str(error)[:200]}") from error
    if not isinstance(found, ProcessorMixin):
        raise ValueError(
            f"{folder} holds a {type(found).__name__} and no processor of images and "
            "text; give a vision-language model"
        )
    return found


def load_model(name: str | Path, device: str = "auto") -> VLM | HubModel:
    """Loads a model of this package, or one of transformers.

    Args:
        name: the folder that `VLM.save_pretrained` wrote, a checkpoint's folder, or its
            name on the hub.
        device: such as `cpu` or `cuda`; `auto` is a GPU if there is one, and each its
            own for the processes of `accelerate launch` or `torchrun`.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        ValueError: there is no such device.
    """
    if device == "auto":
        own = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        device = own if torch.cuda.is_available() else "cpu"
    try:
        place = torch.device(device)
        torch.zeros(1, device=place).item()
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"there is no device {device!r} here; give cpu, cuda or auto"
        ) from error
    config = Path(name) / "config.json"
    ours = config.exists() and "model_type" not in read_json(config)
    return VLM.from_pretrained(name).to(place) if ours else HubModel(name, place)
