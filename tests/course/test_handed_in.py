"""Layouts of learning platforms: whose a submission is."""

import zipfile

import pytest

from vlmcore.course.handed_in import find_submissions, read_roster

LAYOUTS = {
    "flat": {"ada.ipynb": "ada", "bob.ipynb": "bob"},
    "folders": {"ada/a3.ipynb": "ada", "bob/a3.ipynb": "bob"},
    "nbgrader": {
        "submitted/ada/a3/a3.ipynb": "ada",
        "submitted/bob/a3/a3.ipynb": "bob",
    },
    "moodle": {
        "Ada L_101_assignsubmission_file_/a3.ipynb": "Ada L",
        "Bob_102_assignsubmission_file/a3.ipynb": "Bob",
    },
    "canvas": {
        "lovelaceada_12_345_a3.ipynb": "lovelaceada",
        "bob_LATE_13_346_a3-1.ipynb": "bob",
    },
}


def owners(found):
    return sorted(item.student for item in found)


@pytest.fixture(params=LAYOUTS)
def layout(request, tmp_path):
    """The folder of an export, and whose the files are."""
    folder = tmp_path / "export"
    for name in LAYOUTS[request.param]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder, sorted(LAYOUTS[request.param].values())


def test_a_folder_and_a_zip_file_say_the_same(layout, tmp_path):
    folder, students = layout
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.rglob("*.ipynb"):
            file.write(path, path.relative_to(folder))
    for place in (folder, archive):
        found = find_submissions([place])
        assert owners(found) == students
        assert all(item.name in item.content().decode() for item in found)


def test_files_that_are_named_one_by_one(layout):
    folder, students = layout
    paths = sorted(folder.rglob("*.ipynb"))
    if paths[0].parent == folder or "_" in paths[0].parent.name:
        assert owners(find_submissions(paths)) == students


def test_a_student_s_second_file_loses_and_replaces_nothing(tmp_path):
    names = ["ada/a3.ipynb", "ada/a3-1.ipynb", "ADA/a3.ipynb", "ada-2/a3.ipynb"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    reports = [item.report.casefold() for item in find_submissions([tmp_path])]
    assert len(set(reports)) == 4


def test_names_with_paths_in_them_stay_names(tmp_path):
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../../etc/x.ipynb", "evil")
        file.writestr("a\n\x1b[2J/x.ipynb", "evil")
    assert all(
        "/" not in i.report and ".." not in i.report
        for i in find_submissions([archive])
    )


def test_the_roster_decides(tmp_path):
    for name in ("x1.ipynb", "x2.ipynb"):
        (tmp_path / name).write_text("")
    roster = tmp_path / "roster.csv"
    roster.write_text("\ufefffile,student\nx1.ipynb,ada\nx2,bob\n")
    assert owners(find_submissions([tmp_path], read_roster(roster))) == ["ada", "bob"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name\nada", "the columns file and student"),
        ("", "needs the columns"),
        ("file,student\na,ada\na,bob\n", "gives two students to a"),
    ],
)
def test_a_roster_that_cannot_be_read(tmp_path, text, sentence):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        read_roster(tmp_path / "r.csv")
