"""Runs from beginning to end with tiny parts, interrupted and done again."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vlmcore.config import VisionConfig
from vlmcore.data.flags.scenes import FAMILIES
from vlmcore.experiments.analysis.ladder import Ladder
from vlmcore.experiments.ladder import everything, oracles, plan, shared
from vlmcore.experiments.ladder.cells import run_cell, train
from vlmcore.experiments.ladder.encoder import probe
from vlmcore.experiments.ladder.plan import Cell
from vlmcore.models.vision import VisionEncoder

KEY = "smollm2_135m"


@pytest.mark.parametrize("compressor", plan.COMPRESSORS)
def test_a_cell_is_trained_answers_and_is_not_done_twice(tiny, compressor):
    cell, folders = Cell(KEY, compressor, 4), (tiny / "results", tiny / "work")
    result = run_cell(cell, "test", *folders, "command")
    assert set(result["families"]) == {*FAMILIES, "letters"}
    for family, found in result["families"].items():
        assert len(found["answers"]) == len(found["points"]) == 8
        assert ("seen" in found) == (family in ("knowledge", "which"))
    assert run_cell(cell, "test", *folders, "another") == result
    kept = load_file(tiny / "results" / "compressors" / f"{cell.name}.safetensors")
    again = train(cell, tiny / "elsewhere", progress=False, accelerator="cpu")
    for name, x in train(cell, tiny / "work").state_dict().items():
        assert torch.equal(x, again.state_dict()[name]), "a cell is repeatable"
        assert torch.equal(x.bfloat16(), kept[name])


def test_images_are_permuted_at_the_least_and_the_most_tokens(tiny):
    found = run_cell(Cell(KEY, "tokenpacker", 1), "test", tiny, tiny / "work", "")
    permuted = found["families"]["knowledge"]["permuted"]
    assert sorted(permuted["shown"]) == list(range(8))
    assert permuted["shown"] != list(range(8))


def test_oracles_and_text_are_read_by_the_analysis(tiny):
    common = {"part": "test", "results": tiny, "work": tiny / "work", "command": ""}
    oracles.run_text(KEY, **common)
    oracles.run_oracle(KEY, **common, tokens=(1, 4))
    ladder = Ladder(tiny)
    assert list(ladder.questions) == [*FAMILIES, "letters"]
    for family in FAMILIES:
        assert 0 <= ladder.oracle_error(KEY, 4, family).value <= 1
        assert len(ladder.questions[family]) == 8
    assert ladder.oracle_error(KEY, 4, "knowledge", "repeated").count == 8


def test_names_in_text_follow_the_rows_of_a_scene(tiny):
    made = shared.family_scenes("ocr", "test", draw=False)
    assert oracles.described(made, "ocr") == [sample.answer for sample in made.samples]


def test_cells_of_most_tokens_are_trained_for_longer():
    steps = {cell.visual_tokens: cell.stage.steps for cell in plan.cells()}
    assert steps == {1: 4000, 4: 4000, 16: 4000, 36: 8000}
    assert sum(cell.is_shipped for cell in plan.cells()) == 8


def test_every_run_is_planned_once_and_unknown_ones_get_a_sentence(tmp_path):
    names = everything.names()
    # QueCC has one seed with the largest model
    assert len(names) == len(set(names)) == 6 + 36 + 28
    assert everything.status(tmp_path).endswith(
        f"0 of 70 runs have a result in {tmp_path}"
    )
    with pytest.raises(ValueError, match="no model 'gpt'; choose from smollm2_135m"):
        everything.run(tmp_path, tmp_path, "gpt", "all", "test")
    with pytest.raises(ValueError, match="no step 'tune'; choose from text"):
        everything.run(tmp_path, tmp_path, None, "tune", "test")


def test_the_probe_counts_flags_and_letters():
    encoder = VisionEncoder.from_config(VisionConfig(120, 10, 8, 1, 2, 16, (1,)))
    found = probe(encoder, {"train": 3, "test": 1})
    assert {name: each["count"] for name, each in found.items()} == {
        "flags_cls": 162,
        "flags_mean_patch": 162,
        "letters": int(np.sum([i % 8 + 1 for i in range(20)])),
    }
