"""Seeing, blind and permuted answers: the plan of the ladder reports them too."""

from typing import Any

import numpy as np

from vlmcore.data.flags.world import load_world
from vlmcore.experiments.analysis.ladder import (
    Ladder,
    Point,
    over_both,
    over_clusters,
)
from vlmcore.experiments.ladder.answers import is_right
from vlmcore.scaling import Interval


def unseen(ladder: Ladder, point: Point, rows: np.ndarray | None = None) -> Interval:
    """How often the asked flag's token is nearest to the name of another flag.

    Args:
        ladder: the results.
        point: whose.
        rows: bool, the questions of *knowledge* that count; all of them by default.
    """
    runs = ladder.runs(point).values()
    seen = np.array([run["families"]["knowledge"]["seen"] for run in runs])
    return over_both(ladder.by_cluster(1 - seen, "knowledge", rows))


def lone_names(ladder: Ladder) -> np.ndarray:
    """The questions of *knowledge* about lone flags whose name is one token, bool."""
    asked = ladder.questions["knowledge"]
    return (asked["one_token"] & (asked["objects"] == 1)).to_numpy()


def see_and_know(ladder: Ladder, point: Point) -> float:
    """1 - (1 - see)(1 - know) for *knowledge*, with *know* from names in text."""
    not_seen = unseen(ladder, point).value
    unknown = ladder.text_error(point.key, "knowledge").value
    return 1 - (1 - not_seen) * (1 - unknown)


def one_token_alone(
    ladder: Ladder, key: str, compressor: str = "tokenpacker"
) -> Interval:
    """Error with V = 1 less error in text, for lone flags whose name is one token."""
    runs = ladder.runs(Point(key, 1, compressor)).values()
    points = np.array([run["families"]["knowledge"]["points"] for run in runs])
    in_text = ladder.result(f"text-{key}")["families"]["knowledge"]["points"]
    lost = np.array(in_text) - points
    return over_both(ladder.by_cluster(lost, "knowledge", lone_names(ladder)))


def not_exact(ladder: Ladder, point: Point, family: str = "ocr") -> Interval:
    """The share of strings in which some letter is wrong, by `ocr` or `letters`."""
    runs = ladder.runs(point).values()
    points = np.array([run["families"][family]["points"] for run in runs])
    return over_both(ladder.by_cluster((points < 1).astype(float), family))


def blind_error(ladder: Ladder, key: str, family: str) -> Interval:
    """Error when the picture is one filler."""
    points = ladder.result(f"oracle-{key}")["found"]["blind"][family]["points"]
    return over_clusters(ladder.by_cluster(1 - np.array([points]), family))


def constant_error(ladder: Ladder) -> float:
    """Error in *knowledge* of the best constant answer to each relation."""
    asked, right = ladder.questions["knowledge"], 0
    for kind, of_kind in asked.groupby("kind"):
        answers = {answer for accepted in of_kind["accepted"] for answer in accepted}
        right += max(
            sum(is_right(answer, each, str(kind)) for each in of_kind["accepted"])
            for answer in answers
        )
    return 1 - right / len(asked)


def permuted_errors(
    ladder: Ladder, key: str, v: int, compressor: str = "tokenpacker"
) -> tuple[Interval, float]:
    """Error in *knowledge* with the images of other questions, and what agrees.

    Returns:
        The error of the first seed, and the share of questions that a model would miss
        which sees every flag and knows every fact: the fact of the country that is
        shown is not the one that is asked for.
    """
    found = _permuted(ladder, Point(key, v, compressor))
    error = 1 - np.array([found["points"]])
    asked, world = ladder.questions["knowledge"], load_world()
    missed = [
        not any(
            is_right(fact, accepted, kind)
            for fact in world.country(asked["about"][shown]).facts[kind]
        )
        for shown, accepted, kind in zip(
            found["shown"], asked["accepted"], asked["kind"], strict=True
        )
    ]
    measured = over_clusters(ladder.by_cluster(error, "knowledge"))
    return measured, float(np.mean(missed))


def shown_error(ladder: Ladder, point: Point) -> float:
    """Error of the permuted answers if the country that is shown were asked about."""
    found, asked = _permuted(ladder, point), ladder.questions["knowledge"]
    world = load_world()
    right = [
        is_right(answer, world.country(asked["about"][shown]).facts[kind], kind)
        for answer, shown, kind in zip(
            found["answers"], found["shown"], asked["kind"], strict=True
        )
    ]
    return 1 - float(np.mean(right))


def _permuted(ladder: Ladder, point: Point) -> dict[str, Any]:
    """Answers of the first seed about *knowledge* with images permuted."""
    return ladder.runs(point)[0]["families"]["knowledge"]["permuted"]
