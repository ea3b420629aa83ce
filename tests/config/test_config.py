import json

import pytest

from vlmcore.config import (
    CLIP_L_336,
    PAPER,
    LanguageConfig,
    M3Config,
    MLPConfig,
    MQTConfig,
    PoolConfig,
    PruMergeConfig,
    QueCCConfig,
    TokenPackerConfig,
    VisionConfig,
    VLMConfig,
    from_dict,
    replace,
    to_dict,
)

CONFIGS = [
    MLPConfig(),
    PoolConfig(),
    M3Config(),
    M3Config(scales=(1, 36)),
    MQTConfig(64, 4, content_keys=True),
    TokenPackerConfig(),
    QueCCConfig(inject_question=False),
    PruMergeConfig(neighbours=8, adaptive=True, plus=True),
]


@pytest.mark.parametrize(
    "config",
    [VLMConfig(), PAPER, VLMConfig(visual_tokens=0, compressor=None)]
    + [
        VLMConfig(compressor=config, visual_tokens=144 if config == MLPConfig() else 4)
        for config in CONFIGS
    ],
    ids=str,
)
def test_a_config_survives_json(config):
    assert from_dict(VLMConfig, json.loads(json.dumps(to_dict(config)))) == config


def test_the_grid_decides_which_v_are_possible():
    assert PoolConfig().choices(12) == (1, 4, 9, 16, 36, 144)
    assert MLPConfig().choices(12) == (144,)
    assert M3Config().choices(CLIP_L_336.side) == (1, 4, 9, 16, 36, 64, 144, 576)
    for regions in (QueCCConfig(), TokenPackerConfig()):
        assert regions.choices(12) == (1, 4, 9, 16, 36)
        assert regions.choices(CLIP_L_336.side) == (1, 4, 9, 16, 36, 64, 144)
    assert MQTConfig(64).choices(12) == tuple(range(1, 65))
    assert PruMergeConfig().choices(12) == tuple(range(1, 145))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: VLMConfig(visual_tokens=5),
            ["12 patches a side", "5 tokens", "1, 4, 9, 16, 36"],
        ),
        (lambda: VLMConfig(visual_tokens=144), ["quecc", "144", "1, 4, 9, 16, 36"]),
        (lambda: VLMConfig(visual_tokens=0), ["blind", "0", "quecc"]),
        (lambda: VLMConfig(compressor=None), ["blind", "1", "None"]),
        (
            lambda: VLMConfig(order="sideways"),
            ["sideways", "image_first", "question_first"],
        ),
        (lambda: VisionConfig(image_size=70), ["70", "6", "divisor"]),
        (lambda: VisionConfig(heads=5), ["64", "5"]),
        (lambda: VisionConfig(layers=(1, 5)), ["(1, 5)", "4"]),
        (lambda: VisionConfig(patch_size=0), ["patch_size is 0", "at least 1"]),
        (lambda: VisionConfig(layers=3), ["layers is 3", "(1, 2, 3)"]),
        (lambda: LanguageConfig(depth="4"), ["depth is '4'", "whole number"]),
        (lambda: LanguageConfig(width=12, heads=4), ["width 3", "even"]),
        (lambda: VLMConfig(visual_tokens=True), ["True", "whole number"]),
        (lambda: VLMConfig(compressor=QueCCConfig(heads=3)), ["64", "3 heads"]),
        (lambda: VLMConfig(compressor=TokenPackerConfig(heads=3)), ["64", "3 heads"]),
        (lambda: VLMConfig(compressor=MQTConfig(heads=3)), ["64", "3 heads"]),
        (lambda: VLMConfig(compressor=MLPConfig()), ["mlp", "1 tokens", "144"]),
        (
            lambda: VLMConfig(compressor=PruMergeConfig(), visual_tokens=145),
            ["prumerge", "145", "1 to 144"],
        ),
        (
            lambda: VLMConfig(compressor="quecc"),
            ["compressor is 'quecc'", "give a config"],
        ),
        (
            lambda: from_dict(VLMConfig, {"vision": None}),
            ["vision is None", "give a config"],
        ),
        (
            lambda: replace(VLMConfig(), visual_token=4),
            ["visual_token", "visual_tokens", "order"],
        ),
        (
            lambda: from_dict(VLMConfig, {"compressor": {"name": "magic"}}),
            ["magic", "pool", "quecc"],
        ),
        (
            lambda: from_dict(VLMConfig, {"vision": {"widht": 3}}),
            ["VisionConfig", "widht", "width"],
        ),
    ],
)
def test_a_bad_value_gets_a_sentence_with_the_numbers(make, words):
    with pytest.raises(ValueError) as error:
        make()
    assert all(word in str(error.value) for word in words), str(error.value)
