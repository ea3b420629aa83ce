import pytest

from vlmcore.data.synthetic.benchmark_questions import benchmark_scenes
from vlmcore.evaluation.short_answers import generate_answers, score_answers
from vlmcore.experiments import benchmark_model
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.training.stages import TrainingConfig
from vlmcore.training.trainer import StageConfig


def test_the_shipped_model_has_learnt_something(tmp_path):
    """Above chance on scenes that it was not trained on."""
    exam = benchmark_scenes((77, 0), 60)
    vlm = benchmark_model.load_model()
    samples = [sample for sample in exam.samples() if sample.kind in ("pope", "mme")]
    answers = generate_answers(
        vlm, samples, FeatureStore(vlm.vision, exam.images, tmp_path)
    )
    found = score_answers(answers, samples)["all"]
    assert found.value > found.chance + 0.15 and found.parseable == 1


def test_the_tokenizer_knows_every_word_of_the_benchmarks():
    tokenizer = benchmark_model.tokenizer()
    texts = [
        text
        for sample in benchmark_scenes(5, 50, draw=False).samples()
        for text in (sample.question, sample.answer)
    ]
    assert not any(
        tokenizer.unk_token_id in ids
        for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]
    )
    assert (
        tokenizer.decode(tokenizer("B", add_special_tokens=False)["input_ids"]) == "B"
    ), "letters keep their case"


@pytest.mark.slow
def test_training_runs_saves_and_loads(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark_model, "BENCHMARK_TEXTS", 40)
    monkeypatch.setattr(benchmark_model, "BENCHMARK_IMAGES", 20)
    monkeypatch.setattr(
        benchmark_model, "weights", lambda stage: tmp_path / f"{stage}.safetensors"
    )
    stage = StageConfig(2, 1e-3, batch_size=8)
    vlm = benchmark_model.train_model(
        tmp_path, stage, TrainingConfig(stage, stage), progress=False, accelerator="cpu"
    )
    benchmark_model.save(vlm, tmp_path / "tune.safetensors")
    benchmark_model.load_model.cache_clear()
    again = benchmark_model.load_model()
    assert all(
        a.equal(b)
        for a, b in zip(
            vlm.state_dict().values(), again.state_dict().values(), strict=True
        )
    )
    benchmark_model.load_model.cache_clear()
    with pytest.raises(FileNotFoundError, match="stages are align and tune"):
        benchmark_model.load_model("other")
