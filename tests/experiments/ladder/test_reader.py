"""Scenes of any country, read through a compressor that is kept with the results."""

import pytest
import torch
from safetensors.torch import save_file

from vlmcore.data.flags.scenes import scenes
from vlmcore.data.flags.world import load_world
from vlmcore.experiments.ladder import shared
from vlmcore.experiments.ladder.cells import train
from vlmcore.experiments.ladder.plan import Cell
from vlmcore.experiments.ladder.prompts import pick
from vlmcore.experiments.ladder.reader import Reader, shipped_compressor
from vlmcore.experiments.ladder.words import exact_targets

KEY = "smollm2_135m"


def test_a_reader_of_shipped_weights_sees_and_answers_as_the_cell(tiny, language):
    cell = Cell(KEY, "quecc", 4)
    compressor = train(cell, tiny / "work", progress=False, accelerator="cpu")
    kept = tiny / "compressors" / f"{cell.name}.safetensors"
    kept.parent.mkdir()
    save_file(compressor.state_dict(), kept)
    reader = Reader(cell, shipped_compressor(cell, tiny), language)

    world = load_world()
    kenya = (world.country("Kenya"),)
    made = scenes(world, "knowledge", 3, 5, kenya)
    features = reader.vision(made.images)
    states = shared.question_states(language, [s.question for s in made.samples])
    assert torch.equal(reader.visual_tokens(made), compressor(features, states))
    answers = reader.answers(made)
    assert len(answers) == len(reader.nearest(made)) == 5
    # the questions are of four kinds, and the last is of the first kind again
    alone = scenes(world, "knowledge", 3, 1, kenya)
    assert reader.answers(alone) == answers[:1]


def test_a_flag_whose_token_is_its_name_is_the_nearest(tiny, language, monkeypatch):
    world = load_world()
    reader = Reader(Cell(KEY, "tokenpacker", 1), torch.nn.Identity(), language)
    made = pick(scenes(world, "knowledge", 3, 2, (world.country("Japan"),)), [1])
    assert (made.glyph >= 0).sum() == 1, "the second scene has the flag alone"
    exact = exact_targets(reader.words, made, 1)
    monkeypatch.setattr(reader, "visual_tokens", lambda made: exact)
    assert reader.nearest(made) == ["Japan"]


def test_what_is_missing_gets_a_sentence(tiny, language):
    cell = Cell(KEY, "tokenpacker", 1)
    with pytest.raises(FileNotFoundError, match=r"no compressor of smol.*has none"):
        shipped_compressor(cell, tiny)
    world = load_world()
    made = scenes(world, "knowledge", 3, 1, world.countries[:1], draw=False)
    reader = Reader(cell, torch.nn.Identity(), language)
    with pytest.raises(ValueError, match="these scenes have no images"):
        reader.answers(made)
