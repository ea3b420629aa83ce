import numpy as np
import pytest
import torch

from tests.models.compressors import naive
from vlmcore.config import MQTConfig, VisionConfig
from vlmcore.models.compressors.mqt import MQT, grid_positions, resize_positions


def positions(side, width):
    """As in MAE: sines and cosines of the column, then of the row, one by one."""
    table = np.empty((side * side, width))
    for y, x in np.ndindex(side, side):
        for half, coordinate in enumerate((x, y)):
            for c in range(width // 4):
                angle = coordinate / 10000 ** (c / (width / 4))
                table[y * side + x, half * width // 2 + c] = np.sin(angle)
                table[y * side + x, half * width // 2 + width // 4 + c] = np.cos(angle)
    return torch.from_numpy(table)


def loops(mqt, features, visual_tokens, content):
    state, result = mqt.state_dict(), []
    at_queries = positions(3, 16)
    at_keys = [x.to(features.layers) for x in naive.bicubic(at_queries, 6)]
    for image in features.layers[:, :, -1]:
        keys = [
            naive.norm(state, "key_norm", position + patch if content else position)
            for position, patch in zip(at_keys, image, strict=True)
        ]
        values = [naive.norm(state, "value_norm", patch) for patch in image]
        tokens = []
        for i in range(visual_tokens):
            query = naive.norm(
                state, "query_norm", state["query"][i] + at_queries[i].to(image)
            )
            tokens.append(
                naive.linear(
                    state,
                    "projection",
                    naive.attend(state, "attention", query, keys, values, heads=2),
                )
            )
        result.append(torch.stack(tokens))
    return torch.stack(result)


@pytest.mark.parametrize("content", [False, True])
@pytest.mark.parametrize("visual_tokens", [1, 4, 9])
def test_equals_the_formulas_written_with_loops(
    build, precision, visual_tokens, content
):
    dtype, tolerance = precision
    mqt, features, _ = build(MQTConfig(9, 2, content), 5, dtype)
    with torch.no_grad():
        ours, expected = (
            mqt(features, visual_tokens=visual_tokens),
            loops(mqt, features, visual_tokens, content),
        )
    assert ours.shape == (3, visual_tokens, 24)
    assert (ours - expected).abs().max() < tolerance * expected.abs().max()


def test_fewer_tokens_are_the_first_of_more(build):
    mqt, features, _ = build(MQTConfig(9, 2), 9)
    torch.testing.assert_close(mqt(features, visual_tokens=2), mqt(features)[:, :2])


def test_without_content_in_the_keys_every_image_is_looked_at_alike(build):
    mqt, features, _ = build(MQTConfig(9, 2), 9)
    _, weights = mqt.attend(features)
    assert weights.shape == (3, 9, 36)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 9, dtype=torch.float64))
    torch.testing.assert_close(weights[0], weights[1])
    mqt, features, _ = build(MQTConfig(9, 2, content_keys=True), 9)
    _, weights = mqt.attend(features)
    assert (weights[0] - weights[1]).abs().max() > 0.01


def test_published_positions():
    """The released model's 16 x 16 positions, resized to CLIP's 24 x 24 patches."""
    table = grid_positions(16, 1024)
    torch.testing.assert_close(table, positions(16, 1024), rtol=0, atol=1e-12)
    assert resize_positions(table, 24).shape == (576, 1024)
    torch.testing.assert_close(resize_positions(table, 16), table)
    with pytest.raises(ValueError, match=r"30 .* multiple of 4"):
        MQT(MQTConfig(9, 2), VisionConfig(width=30, heads=2), 24, 1)


def test_alignment_trains_all_queries_and_tuning_an_even_number():
    config, rng = MQTConfig(), np.random.default_rng(0)
    assert config.training_tokens(24, "align", rng) == (256,)
    drawn = [config.training_tokens(24, "tune", rng)[0] for _ in range(20_000)]
    assert set(drawn) == set(range(2, 257, 2))
    counts = np.bincount(drawn)[2::2]
    assert counts.std() < 2 * np.sqrt(counts.mean()), "all equally often"


def test_impossible_numbers_get_a_sentence(build):
    mqt, features, _ = build(MQTConfig(9, 2), 4)
    for wrong in (0, 10):
        with pytest.raises(
            ValueError, match=f"into {wrong} tokens; choose visual_tokens from 1 to 9"
        ):
            mqt(features, visual_tokens=wrong)
    with pytest.raises(ValueError, match=r"10 queries .* 4, 9, 16"):
        MQTConfig(10)
    assert mqt.config.choices(6) == tuple(range(1, 10))
