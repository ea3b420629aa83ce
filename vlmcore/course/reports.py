"""The grade of a submission, as JSON for programs and as Markdown for people."""

from dataclasses import asdict, dataclass, field
from typing import Any

from vlmcore.course.sandbox import TRUSTED
from vlmcore.course.text import clean, one_line, quoted


@dataclass(frozen=True)
class QuestionGrade:
    """The points of one question, and a message with one line per mistake."""

    question: str
    points: float
    out_of: float
    message: str


@dataclass(frozen=True)
class ByHand:
    """A question that a person grades: the student's text, and what to look for."""

    question: str
    out_of: float
    rubric: str
    text: str
    graded: bool = False


@dataclass(frozen=True)
class Grade:
    """The points of a submission."""

    assignment: str
    student: str
    submission: str
    """Name of the file."""
    points: float
    out_of: float
    notes: dict[str, str]
    """Errors outside the questions, by cell."""
    questions: list[QuestionGrade]
    by_hand: list[ByHand] = field(default_factory=list)
    sandbox: bool = False
    """Whether the submission ran isolated."""
    made_of: str = ""
    """Fingerprint of the submission, the tests and whatever else decides the grade."""
    failed: bool = False
    """Whether the grader itself could not finish."""

    def as_json(self) -> dict[str, Any]:
        """Returns the grade as what `json` writes, with all texts cleaned."""
        return _cleaned(asdict(self))

    def text(self) -> str:
        """Returns the report as Markdown."""
        rows = [
            f"| {q.question} | {q.points:g} of {q.out_of:g} | "
            f"{'<br>'.join(map(one_line, q.message.splitlines()))} |"
            for q in self.questions
        ]
        rows += [f"| {q.question} | by hand, {q.out_of:g} | |" for q in self.by_hand]
        notes = [
            f"- {one_line(place)}: {one_line(note)}"
            for place, note in self.notes.items()
        ]
        table = ["| question | points | |", "|---|---|---|", *rows]
        remarks = ["", "Outside the questions:", "", *notes] if notes else []
        title = f"# {self.assignment}: {self.points:g} of {self.out_of:g} points"
        named = f"Submission: {one_line(self.submission)} of {one_line(self.student)}"
        lines = [title, "", named, "", *table, *remarks]
        trusted = [] if self.sandbox else [TRUSTED, ""]
        return "\n".join([*trusted, *lines]) + "\n"

    def manual(self) -> str:
        """Returns what a person has to grade, with the rubric beside each text."""
        parts = [f"# {self.assignment}, by hand: {one_line(self.student)}"]
        for q in self.by_hand:
            parts += [f"## {q.question} ({q.out_of:g} points)", q.rubric]
            parts += [quoted(q.text) or "    (no text)"]
        return "\n\n".join(parts) + "\n"


def from_json(stored: dict[str, Any]) -> Grade:
    """Returns the grade that `Grade.as_json` wrote.

    Raises:
        TypeError: it is something else.
    """
    questions = [QuestionGrade(**q) for q in stored["questions"]]
    by_hand = [ByHand(**q) for q in stored["by_hand"]]
    return Grade(**stored | {"questions": questions, "by_hand": by_hand})


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean(value, 20_000)
        case dict():
            return {_cleaned(name): _cleaned(entry) for name, entry in value.items()}
        case list() | tuple():
            return [_cleaned(entry) for entry in value]
    return value
