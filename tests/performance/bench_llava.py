"""Training pairs a second beside transformers' LLaVA, and beside a plain loop.

All models have the same encoder, language model and samples, one thread, batches of 32,
AdamW, a cosine and clipped gradients. Ours and the plain loop are given the features of
the frozen encoder, as training in this package is; LLaVA in the Trainer of transformers
computes them in every step, which is its way, or is given them, to see what they cost.
The plain loop has nanoVLM's shape: encoder, projection, language model, the loss over
all positions, and nothing around it.
"""

import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    get_cosine_schedule_with_warmup,
)

from tests.performance.bench_training import WARM, Cell
from vlmcore.config import MLPConfig, QueCCConfig
from vlmcore.data.samples import IGNORE
from vlmcore.experiments.suites.grid import GRID_SIZES, grid_run

SIZES = [GRID_SIZES[i] for i in (0, 2, 3, 4)]
"""N from 25,000 to a million."""
ROUNDS, STEPS, BATCH, PATCHES = 5, 6, 32, 144


def cell_of(size, v):
    """A cell of *ocr*, uncompressed at V = 144."""
    compressor = MLPConfig() if v == PATCHES else QueCCConfig()
    return Cell(grid_run("ocr", size, compressor, v))


class Rows(torch.utils.data.Dataset):
    """The samples of a cell with their images, as a user of transformers has them."""

    def __init__(self, cell, image_token):
        self.tokens, self.image_token = cell.data.tokens, image_token
        every = torch.arange(len(cell.data.features))
        self.features = cell.data.features[every].patches
        side = cell.vlm.config.vision.image_size
        self.pixels = torch.rand(len(self.features), 3, side, side)

    def __len__(self):
        return WARM * BATCH * 1000

    def __getitem__(self, row):
        return row % len(self.tokens.image)

    def collate(self, rows):
        """Texts with a placeholder for each patch after the start token."""
        batch = super(type(self.tokens), self.tokens).batch(torch.tensor(rows))
        holes = torch.full((len(rows), PATCHES), self.image_token)
        unscored = torch.full_like(holes, IGNORE)
        text, labels = batch.text, batch.labels
        return {
            "input_ids": torch.cat([text[:, :1], holes, text[:, 1:]], 1),
            "labels": torch.cat([labels[:, :1], unscored, labels[:, 1:]], 1),
            "attention_mask": torch.ones(len(rows), text.shape[1] + PATCHES).long(),
            "pixel_values": self.pixels[batch.image],
        }


class Clock(TrainerCallback):
    """Notes CPU seconds at the beginning of each step."""

    def __init__(self):
        self.noted = []

    def on_step_begin(self, *_, **__):
        self.noted.append(time.process_time())


def llava(cell):
    """LLaVA of transformers, of the sizes of a cell; its encoder is frozen."""
    language, vision = cell.vlm.config.language, cell.vlm.config.vision
    text = LlamaConfig(
        vocab_size=language.vocab_size + 1,
        hidden_size=language.width,
        intermediate_size=language.mlp_width,
        num_hidden_layers=language.depth,
        num_attention_heads=language.heads,
        tie_word_embeddings=True,
        pad_token_id=cell.vlm.language.tokenizer.pad_token_id,
    )
    clip = CLIPVisionConfig(
        hidden_size=vision.width,
        intermediate_size=vision.mlp_width,
        num_hidden_layers=vision.depth,
        num_attention_heads=vision.heads,
        image_size=vision.image_size,
        patch_size=vision.patch_size,
    )
    config = LlavaConfig(
        vision_config=clip,
        text_config=text,
        image_token_index=language.vocab_size,
        image_seq_length=PATCHES,
    )
    model = LlavaForConditionalGeneration(config)
    model.model.vision_tower.requires_grad_(False)
    return model


def trainer_step(cell, folder, encoder=True):
    """CPU seconds of a step of LLaVA in transformers' Trainer."""
    torch.manual_seed(0)
    model, clock = llava(cell), Clock()
    rows = Rows(cell, cell.vlm.config.language.vocab_size)
    if not encoder:
        # the tower returns the features of its images; their first row is the class's
        given = F.pad(rows.features[:BATCH], (0, 0, 1, 0))
        states = (given,) * (cell.vlm.config.vision.depth + 1)
        model.model.vision_tower.forward = lambda *_, **__: SimpleNamespace(
            hidden_states=states
        )
    arguments = TrainingArguments(
        folder,
        max_steps=WARM + STEPS + 1,
        per_device_train_batch_size=BATCH,
        learning_rate=1e-3,
        lr_scheduler_type="cosine",
        warmup_steps=1,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    Trainer(
        model,
        arguments,
        data_collator=rows.collate,
        train_dataset=rows,
        callbacks=[clock],
    ).train()
    return (clock.noted[WARM + STEPS] - clock.noted[WARM]) / STEPS


class PlainVLM(nn.Module):
    """Projection and language model; the loss is over all positions."""

    def __init__(self, cell):
        super().__init__()
        width = cell.vlm.config.vision.width
        self.projection = nn.Linear(width, cell.vlm.config.language.width)
        self.language = cell.vlm.language.model

    def forward(self, features, text, labels):
        words = self.language.get_input_embeddings()(text)
        visual = self.projection(features)
        embedded = torch.cat([words[:, :1], visual, words[:, 1:]], 1)
        logits = self.language(inputs_embeds=embedded, use_cache=False).logits
        scored = logits[:, visual.shape[1] :]  # of the text
        return F.cross_entropy(scored[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


def plain_step(cell):
    """CPU seconds of a step of the plain loop at V = 144."""
    rows, model = Rows(cell, 0), PlainVLM(cell).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    schedule = get_cosine_schedule_with_warmup(optimizer, 1, 100)

    def collate(numbers):
        return super(type(rows.tokens), rows.tokens).batch(torch.tensor(numbers))

    noted = []
    loader = DataLoader(rows, BATCH, collate_fn=collate, shuffle=False)
    for step, batch in enumerate(loader):
        noted.append(time.process_time())
        if step == WARM + STEPS:
            break
        loss = model(rows.features[batch.image], batch.text, batch.labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return (noted[-1] - noted[WARM]) / STEPS


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"width {size.width}")
def bench_steps_beside_llava(record, tmp_path, size):
    """Medians over rounds; in each all take a turn."""
    cells = {v: cell_of(size, v) for v in (1, 16, PATCHES)}
    whole = cells[PATCHES]
    rounds = [
        [
            trainer_step(whole, tmp_path),
            trainer_step(whole, tmp_path, encoder=False),
            plain_step(whole),
            *(cell.step(STEPS)[1] for cell in cells.values()),
        ]
        for _ in range(ROUNDS)
    ]
    llava_step, given, plain, *ours = np.array(rounds).T
    times = dict(zip(cells, ours, strict=True))
    pairs = [(v, "LLaVA in its Trainer", llava_step) for v in times]
    pairs += [(PATCHES, "LLaVA given features", given), (PATCHES, "plain loop", plain)]
    for v, name, theirs in pairs:
        ratio = float(np.median(theirs / times[v]))
        record(f"width {size.width}, V = {v}: {name} / step", ratio)
