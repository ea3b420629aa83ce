"""The command `vlmcore`: its help, its refusals, the commands written elsewhere."""

import json
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import vlmcore
from tests.book.conftest import ROOT
from vlmcore import paper
from vlmcore.cli import app

COMMANDS = [
    "ask",
    "latency",
    "train",
    "report",
    "rerun",
    "coverage",
    "law",
    "vqa-set",
    "sweep plan",
    "sweep run",
    "sweep status",
    "encoder train",
    "encoder probe",
    "ladder archive",
    "ladder encoder",
    "ladder probe",
    "ladder run",
    "ladder status",
    "weights",
    "benchmark-model",
    "adapter",
    "evaluate",
    "compare",
    "sources",
    "factual-probe",
    "course release",
    "course check",
    "course try",
    "course public",
    "course export",
    "course leaderboard",
    "env",
]


def invoke(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def listed(*group):
    """The commands that a help page lists, those of groups included."""
    names = re.findall(r"^│ ([a-z-]+)  ", invoke(*group, "--help").output, re.MULTILINE)
    return [
        path
        for name in names
        if not name.startswith("--")
        for path in (listed(*group, name) or [" ".join((*group, name))])
    ]


def test_the_help_lists_every_command():
    assert sorted(listed()) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_sentence_of_help(command):
    done = invoke(*command.split(), "--help")
    assert done.exit_code == 0
    description = " ".join(done.output.split("╭")[0].split("\n", 3)[3].split())
    assert re.fullmatch(r"[A-Z].+\.", description)


def written_commands():
    """Commands in the README, the package, the pages and the shipped results."""
    folders = [("vlmcore", "*.py"), ("book", "*.ipynb"), ("book/results", "*.json")]
    files = [path for folder, kind in folders for path in (ROOT / folder).rglob(kind)]
    pattern = r"""(?:`|\$ |^ +|^|: ")vlmcore (\w[^`"#\n|{}…]*)[`"#\n|\\]"""
    for path in (ROOT / "README.md", *files):
        yield from re.findall(pattern, path.read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "command", sorted({c.split("\\n")[0].strip() for c in written_commands()})
)
def test_written_commands_are_understood(command):
    assert invoke(*command.split(), "--help").exit_code == 0, command


def test_the_help_does_not_import_torch():
    code = (
        "import sys\nfrom vlmcore.cli import app\n"
        "app(['--help'], standalone_mode=False)\n"
        "sys.exit(bool({'torch', 'numpy', 'pandas'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=-3).returncode == 0


def test_the_module_does_what_the_command_does():
    done = subprocess.run(
        [sys.executable, "-m", "vlmcore", "--help"], capture_output=True, text=True
    )
    assert "Usage: vlmcore [OPTIONS] COMMAND" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["report"], "there is no book/results in"),
        (["report", "--results", "nowhere"], "nowhere has no results of laws"),
        (["rerun", "nowhere.json"], "does not exist"),
        (["rerun", "empty.json"], "this is no result of a run"),
        (["coverage", "--simulations", 2], "300 data sets with refits are more than"),
        (["law", "nowhere.csv"], "does not exist"),
        (["law", "accuracies.csv", "--billions"], "these look like accuracies"),
        (["law", "accuracies.csv"], "it with --billions"),
        (["sweep", "plan", "nothing"], "choose from ablation, comparison"),
        (["sweep", "plan", "easyvqa"], "not for easyvqa; start the runs"),
        (["sweep", "status", "grid", "--part", "3"], "'3' is no part; give i/n"),
        (["sources", "nothing"], "choose from gqa, mmbench"),
        (["adapter", "nowhere.safetensors", "a"], "nowhere.json"),
        (["factual-probe", "--out", "o", "--model", "./nowhere"], "nowhere"),
        (["course", "release"], "there is no book/assignments in"),
        (["course", "release", "--assignments", "."], "holds no master notebook"),
        (["course", "check", "a.ipynb", "--memory", 0], "a limit is above zero"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_what_is_refused_is_refused_in_a_sentence(
    arguments, sentence, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.json").write_text("{}")
    (tmp_path / "a.ipynb").write_text("{}")
    rows = [f"{n},{v},{0.1 * (n + v)}" for n in (1, 2, 4) for v in (1, 2, 4)]
    (tmp_path / "accuracies.csv").write_text("\n".join(["N,V,error", *rows]))
    done = invoke(*arguments)
    assert done.exit_code == 2 and "Traceback" not in done.output
    assert sentence in " ".join(done.output.split())


def test_an_error_is_shown_where_it_was_raised_when_asked_for():
    done = invoke("--traceback", "sources", "nothing")
    assert isinstance(done.exception, ValueError)


def test_the_report_has_every_key_and_no_nan(monkeypatch):
    monkeypatch.chdir(ROOT / "book" / "laws")
    rows = json.loads(
        invoke("report", "--json").output,
        parse_constant=lambda name: pytest.fail(f"{name} in the report"),
    )
    keys = ["name", "value", "low", "high", "level", "interval"]
    assert all(list(row) == [*keys, "count", "command", "source"] for row in rows)
    assert len({row["name"] for row in rows}) == len(rows) > 400
    for row in rows:
        assert row["low"] is None or row["low"] <= row["value"] <= row["high"]
        assert row["command"].startswith("vlmcore ")


def test_a_law_is_printed_from_a_table(tmp_path):
    """As text and as JSON, the same numbers."""
    table = paper.scores("visual").rename(columns={"params": "N", "visual_tokens": "V"})
    table.to_csv(tmp_path / "table.csv")
    arguments = "law", tmp_path / "table.csv", "--refits", 50, "--budget", 1e12
    found = json.loads(invoke(*arguments, "--json").output)
    ratio = found["intervals"]["jackknife"]["ratio"]
    assert ratio["value"] == pytest.approx(4.70, abs=0.005) and "D" in found["at_bound"]
    text = invoke(*arguments).output
    assert f"ratio {ratio['value']:.4g} [{ratio['low']:.4g}, " in text
    assert "trust the jackknife" in text and text.count("FLOPs") > 15


def test_the_environment_names_versions_and_devices():
    lines = dict(line.split(maxsplit=1) for line in invoke("env").output.splitlines())
    assert lines["vlmcore"] == "0.1.0" and lines["devices"].startswith("CPU with")


def test_the_front_door():
    assert set(vlmcore.__all__) <= set(dir(vlmcore))
    assert all(
        name == vars(vlmcore)["_HOMES"] or getattr(vlmcore, name)
        for name in vlmcore.__all__
    )
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        vlmcore.nothing  # noqa: B018
