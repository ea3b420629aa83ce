import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.evaluation.test_benchmarks import SAMPLES
from vlmcore.cli import app
from vlmcore.data.benchmarks.llava import Answer, append_answers
from vlmcore.evaluation.rules import RULES
from vlmcore.evaluation.sources import SOURCES, commands, load_benchmark
from vlmcore.evaluation.submissions import write_submission


def test_submissions_are_what_the_servers_take(tmp_path):
    for name in ("vqav2", "vizwiz", "mmbench"):
        benchmark = load_benchmark(name, SAMPLES)
        append_answers(
            tmp_path / name,
            [
                Answer(q.id, q.prompt, "The two, RED.", "m", {})
                for q in benchmark.questions()
            ],
        )
        end = "xlsx" if name == "mmbench" else "json"
        write_submission(benchmark, tmp_path / name, tmp_path / f"{name}.{end}")
    vqav2 = json.loads((tmp_path / "vqav2.json").read_text())
    assert vqav2[0] == {"question_id": 0, "answer": "2 red"} and len(vqav2) == 9
    assert json.loads((tmp_path / "vizwiz.json").read_text())[1] == {
        "image": "VizWiz_val_00000001.jpg",
        "answer": "2 red",
    }
    table = pd.read_excel(tmp_path / "mmbench.xlsx")
    assert list(table) == ["index", "question", "A", "B", "C", "D", "prediction"]
    assert len(table) == 12 and table["question"][0].endswith("?")
    assert table["prediction"][0] == "The two, RED."


def test_a_submission_replaces_no_file(tmp_path):
    """Least of all the answers."""
    benchmark, path = load_benchmark("vqav2", SAMPLES), tmp_path / "answers"
    append_answers(path, [Answer(q.id, "", "2", "", {}) for q in benchmark.questions()])
    before = path.read_bytes()
    with pytest.raises(ValueError, match="answers is there already; give another name"):
        write_submission(benchmark, path, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "name, message",
    [
        ("pope", "pope is scored here; submissions are for vqav2"),
        ("vizwiz", "has no answer"),
    ],
)
def test_a_submission_that_fails_leaves_no_file(tmp_path, name, message):
    (tmp_path / "answers").touch()
    with pytest.raises(ValueError, match=message):
        write_submission(
            load_benchmark(name, SAMPLES), tmp_path / "answers", tmp_path / "x.json"
        )
    assert not list(tmp_path.glob("x*"))


def test_every_source_has_a_rule_and_commands_that_only_print(tmp_path):
    assert set(SOURCES) < set(RULES)
    for name in SOURCES:
        lines = commands(name)
        assert lines[1] == f"mkdir -p data/benchmarks/{name}" and lines[-1].startswith(
            "# needed in"
        )
        assert all(
            line.startswith(("#", "mkdir", "curl -fL", "unzip -nq")) for line in lines
        )
    listed = CliRunner().invoke(app, ["sources", "--folder", str(SAMPLES)]).output
    assert all(f"{name:10} present" in listed for name in SOURCES)
    assert "missing" not in listed
    printed = CliRunner().invoke(app, ["sources", "pope", "--folder", str(tmp_path)])
    assert printed.output.splitlines() == commands("pope", tmp_path)
    assert not list(tmp_path.iterdir())


def test_popes_files_are_those_of_llava_and_the_later_ones_have_a_name():
    commit = "e3e39262c85a6a83f26cf5094022a782cb0df58d"
    for name, state in (("pope", commit), ("pope-main", "main")):
        files = [line for line in commands(name) if "coco_pope_" in line][:3]
        assert all(f"/POPE/{state}/output/coco/" in line for line in files)
    with pytest.raises(FileNotFoundError, match="vlmcore sources pope-main"):
        load_benchmark("pope-main", SAMPLES)
