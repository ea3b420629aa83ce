"""Our models in lmms-eval, by requests as the harness makes them."""

import importlib
import subprocess
import sys
import types
import zipfile
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from vlmcore.config import PoolConfig
from vlmcore.evaluation import lmms_eval

RED, BLUE = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
DOCUMENTS = {"toy": {"test": [[RED], [[BLUE]], [], [RED, BLUE]]}}


def request(number, prompt="what?", **options):
    arguments = (prompt, options, lambda document: document, number, "toy", "test")
    return SimpleNamespace(args=arguments)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_requests_are_answered_in_their_order(make_vlm, batch_size):
    vlm = make_vlm(PoolConfig(), 1)
    requests = [
        request(0, "what?", max_new_tokens=4),
        request(1, "is there red?", max_new_tokens=4),
        request(1, "what?", max_new_tokens=4),
        request(0, "what?", max_new_tokens=2),
    ]
    found = lmms_eval.answer_requests(vlm, requests, DOCUMENTS, batch_size)
    asked = [(RED, "what?", 4), (BLUE, "is there red?", 4), (BLUE, "what?", 4)]
    asked.append((RED, "what?", 2))
    assert found == [vlm.ask(i, q, n)[0].strip() for i, q, n in asked]


def test_an_answer_ends_at_a_stop_and_one_image_is_shown():
    class Model:
        def ask(self, images, prompts, longest):
            assert (images, longest) == ([None], 16)
            return [" red\nUser: "]

    assert lmms_eval.answer_requests(
        Model(), [request(2, until=["\n"])], DOCUMENTS, 1
    ) == ["red"]
    with pytest.raises(ValueError, match="task toy shows 2 images at once; these"):
        lmms_eval.answer_requests(Model(), [request(3)], DOCUMENTS, 1)


@pytest.mark.network
def test_the_harness_takes_the_model(hub_llava, tmp_path, monkeypatch):
    """Its own base class and list of models, without what they do not need here."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
    subprocess.run([*pip, "-d", str(tmp_path), "lmms-eval==0.7.3"], check=True)
    zipfile.ZipFile(next(tmp_path.glob("*.whl"))).extractall(tmp_path)
    for name in ("lmms_eval", "lmms_eval.api", "lmms_eval.models"):
        module = types.ModuleType(name)
        module.__path__ = [str(tmp_path.joinpath(*name.split(".")))]
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "lmms_eval.utils", types.ModuleType("utils"))
    sys.modules["lmms_eval"].utils = sys.modules["lmms_eval.utils"]
    found = lmms_eval.manifest()
    module, name = found.simple_class_path.rsplit(".", 1)
    harnessed = getattr(importlib.import_module(module), name)(
        pretrained=str(hub_llava), batch_size="2", device="cpu"
    )
    assert harnessed.device == torch.device("cpu")
    harnessed.task_dict = DOCUMENTS
    answers = harnessed.generate_until([request(0), request(1)])
    assert answers == [
        text.strip() for text in harnessed.model.ask([RED, BLUE], ["what?"] * 2, 16)
    ]
