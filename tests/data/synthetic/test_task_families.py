"""Every answer is found again from descriptions and facts, without the drawing code."""

from collections import Counter
from functools import partial

import numpy as np
import pytest
from sklearn.datasets import load_digits

from vlmcore.data.synthetic.drawing import COLOUR_NAMES, COLOURS
from vlmcore.data.synthetic.icons import ICONS, RELATIONS, VALUES, facts, icon_masks
from vlmcore.data.synthetic.task_families import (
    OCR_LENGTHS,
    knowledge,
    ocr,
    reasoning,
)
from vlmcore.data.synthetic.vocabulary import (
    OCR_DIGITS,
    OCR_LETTERS,
    OCR_POSITIONS,
    REASONING_KINDS,
    SCENE_WORDS,
    TEXT_WORDS,
)

KNOWN = facts(3)
ICON_FAMILIES = {
    "knowledge": partial(knowledge, facts=KNOWN),
    "reasoning": partial(reasoning, facts=KNOWN),
}
FAMILIES = {**ICON_FAMILIES, "ocr": ocr}


@pytest.fixture(params=FAMILIES)
def family(request):
    return FAMILIES[request.param]


@pytest.fixture(params=ICON_FAMILIES)
def icon_family(request):
    return FAMILIES[request.param]


@pytest.fixture(scope="module")
def puzzles():
    return reasoning(5, 1500, KNOWN, questions=4, draw=False)


def in_words(description):
    """The words for each cell of a scene."""
    return [[SCENE_WORDS[word] for word in cell if word >= 0] for cell in description]


def icons_of(description):
    """The icons of a scene by name: colour, column and row, counted from 1."""
    return {
        words[2]: (words[3], int(words[0][-1]), int(words[1][-1]))
        for words in in_words(description)
        if len(words) == 4
    }


def characters_of(description):
    """The characters of a scene by position."""
    return dict(words for words in in_words(description) if len(words) == 2)


def cells_of(image, grid):
    """The cells of an image, in rows: float (grid**2, 3, side, side)."""
    side = 72 // grid
    cells = image.astype(float).reshape(3, grid, side, grid, side)
    return cells.transpose(1, 3, 0, 2, 4).reshape(-1, 3, side, side)


def fact(icon, relation):
    return VALUES[KNOWN.values[list(ICONS).index(icon), RELATIONS.index(relation)]]


def answer(question, description):
    """The answer of a reader of the description, and how many make sense."""
    ask, *about = question.split()
    if ask == "read":
        character = characters_of(description)[about[0]]
        return character, 10 if character.isdigit() else 16
    icons = icons_of(description)
    if ask == "color":
        return icons[about[0]][0], 8
    if ask in ("same", "left"):
        (one, x, _), (other, y, _) = (icons[name] for name in about)
        assert ask == "same" or x != y, "neither is left of the other"
        return "yes" if (one == other if ask == "same" else x < y) else "no", 2
    named = [name for name, (colour, *_) in icons.items() if about in ([], [colour])]
    if ask == "count":
        return str(len(named)), 4
    (icon,) = named  # of several the question would be ambiguous
    return (icon, 64) if ask == "icon" else (fact(icon, ask), 32)


def test_a_family_is_a_function_of_its_seed(family):
    one, same = (family(5, count=40, questions=2) for _ in range(2))
    assert one.samples == same.samples
    assert np.array_equal(one.images, same.images)
    assert np.array_equal(one.descriptions, same.descriptions)
    assert one.images.shape == (40, 3, 72, 72) and one.images.dtype == np.uint8
    assert [sample.image for sample in one.samples] == [i // 2 for i in range(80)]


def test_two_seeds_share_no_image(family):
    images = [image for seed in (5, 6) for image in family(seed, count=700).images]
    assert len({image.tobytes() for image in images}) == len(images)


def test_described_scenes_are_the_drawn_ones_without_images(family):
    described, drawn = (
        family(5, count=30, questions=2, draw=draw) for draw in (False, True)
    )
    assert described.samples == drawn.samples
    assert np.array_equal(described.descriptions, drawn.descriptions)
    assert described.images is None and drawn.drawn() is drawn.images
    with pytest.raises(ValueError, match="30 scenes have no images"):
        described.drawn()


def test_every_answer_follows_from_the_description(family):
    scenes = family(7, count=1500, questions=3, draw=False)
    for sample in scenes.samples:
        found = answer(sample.question, scenes.descriptions[sample.image])
        assert found == (sample.answer, sample.choices), sample
        assert {*sample.question.split(), sample.answer} <= {*SCENE_WORDS, *TEXT_WORDS}


def test_the_kind_says_what_is_asked(puzzles):
    for sample in puzzles.samples:
        asked = sample.question.split()[0]
        assert sample.kind == (asked if asked in REASONING_KINDS else "hop")
    scenes = ocr(7, 600, draw=False)
    for sample in scenes.samples:
        characters = characters_of(scenes.descriptions[sample.image])
        assert int(sample.kind.split()[0]) == len(characters)
    kinds = {sample.kind for sample in knowledge(7, 50, KNOWN, draw=False).samples}
    assert kinds == {"fact"}


def test_colours_repeat_as_the_docstring_says(puzzles):
    """The first icon alone has its colour; the second and third agree half the time."""
    agree, numbers = [], Counter()
    for description in puzzles.descriptions:
        colours = Counter(colour for colour, *_ in icons_of(description).values())
        numbers[colours.total()] += 1
        assert 1 in colours.values() and len(colours) <= 3
        if colours.total() == 3:
            agree.append(len(colours) == 2)
    assert set(numbers) == {2, 3, 4} and min(numbers.values()) > 400
    assert abs(np.mean(agree) - 0.5) < 4 * 0.5 / np.sqrt(len(agree))


def test_no_constant_answer_beats_chance_in_reasoning(puzzles):
    answers = {kind: Counter() for kind in REASONING_KINDS}
    for sample in puzzles.samples:
        answers[sample.kind][sample.answer] += 1
    total = {kind: counts.total() for kind, counts in answers.items()}
    choices = {"same": 2, "left": 2, "color": 8, "icon": 64, "hop": 32}
    for kind, count in choices.items():
        most = max(answers[kind].values()) / total[kind]
        assert most < 1 / count + 4 * np.sqrt(1 / count / total[kind]), kind
    assert set(answers["count"]) == {"0", "1", "2", "3"}
    assert max(answers["count"].values()) < 0.55 * total["count"]
    assert min(total[kind] for kind in ("color", "icon", "count", "hop")) > 0.9 * 1000
    assert total["same"] + total["left"] > 0.9 * 2000 and total["same"] > 0.55 * 1000


def test_no_constant_answer_beats_chance_in_ocr():
    samples = ocr(8, 4000, draw=False).samples
    lengths = np.array([*Counter(sample.kind for sample in samples).values()])
    assert abs(lengths - 4000 / len(OCR_LENGTHS)).max() < 120
    letters = Counter(sample.answer for sample in samples if sample.choices == 16)
    assert set(letters) == set(OCR_LETTERS) and max(letters.values()) < 2000 / 16 + 50
    digits = {sample.answer for sample in samples if sample.choices == 10}
    assert digits == set(OCR_DIGITS)


def test_relations_are_asked_by_their_weights():
    samples = knowledge(9, 30_000, KNOWN, draw=False).samples
    asked = Counter(sample.question for sample in samples)
    share = np.array([asked[relation] for relation in RELATIONS]) / 30_000
    assert np.abs(share - KNOWN.weight).max() < 4 * np.sqrt(KNOWN.weight[0] / 30_000)


def facts_asked(scenes):
    """All pairs of icon and relation that the questions ask for, by number."""
    pairs = set()
    for sample in scenes.samples:
        ask, *about = sample.question.split()
        if ask in RELATIONS:
            icons = icons_of(scenes.descriptions[sample.image]).items()
            (name,) = [name for name, (paint, *_) in icons if about in ([], [paint])]
            pairs.add((list(ICONS).index(name), RELATIONS.index(ask)))
    return pairs


def test_scored_facts_are_never_asked_in_training(icon_family):
    training, scored, everything = (
        facts_asked(
            icon_family(seed, count=4000, questions=4, scored=scored, draw=False)
        )
        for seed, scored in ((1, False), (2, True), (2, None))
    )
    assert all(KNOWN.asked[pair] for pair in training)
    assert not any(KNOWN.asked[pair] for pair in scored)
    assert min(len(training), len(scored)) > 600
    assert everything & training and everything & scored


def test_icons_are_drawn_where_the_description_says(icon_family):
    """A cell looks most like its icon, in its colour; empty cells are plain."""
    scenes = icon_family(11, count=80)
    masks, palette = icon_masks().reshape(64, -1), np.array(list(COLOURS.values()))
    for image, description in zip(scenes.images, scenes.descriptions, strict=True):
        cells, words = cells_of(image, 4).reshape(16, 3, -1), in_words(description)
        ground = cells[[len(said) for said in words].index(2), :, 0]
        for cell, said in zip(cells, words, strict=True):
            ink = np.abs(cell - ground[:, None]).sum(0)
            if len(said) == 2:
                assert ink.max() == 0, "an empty cell is plain"
                continue
            best = (masks @ ink / np.linalg.norm(masks, axis=1)).argmax()
            assert list(ICONS)[best] == said[2]
            # even the darkest pixel of a thin icon is mixed with the background
            pixel, share = masks[best].argmax(), masks[best].max()
            colour = ground + (cell[:, pixel] - ground) / share
            nearest = np.abs(palette - colour).sum(1).argmin()
            assert COLOUR_NAMES[nearest] == said[3]


@pytest.mark.parametrize("scored", [False, True])
def test_characters_are_drawn_where_the_description_says(scored):
    """Digits are scikit-learn's, from the part that this data set may use."""
    scenes, data, found = ocr(11, 60, scored=scored), load_digits(), Counter()
    masks = data.data / data.data.max(1, keepdims=True)
    for image, description in zip(scenes.images, scenes.descriptions, strict=True):
        characters, cells = characters_of(description), cells_of(image, 8)
        empty = [position in characters for position in OCR_POSITIONS].index(False)
        inks = (cells[empty, :, :1, :1] - cells).sum(1)
        for ink, position in zip(inks, OCR_POSITIONS, strict=True):
            character = characters.get(position, "")
            if not character:
                assert (ink == 0).all()
            elif character in OCR_DIGITS:
                assert not ink[8].any() and not ink[:, 8].any()
                distance = np.abs(masks - ink[:8, :8].ravel() / ink.max()).max(1)
                nearest = int(distance.argmin())
                assert distance[nearest] < 0.05
                assert str(data.target[nearest]) == character
                assert (nearest >= 1200) == scored
            found[character.isdigit() if character else None] += 1
    assert min(found[True], found[False]) > 150


def test_letters_look_like_letters():
    """The mean picture of each letter is nearest to that letter's in other images."""

    def means(seed):
        scenes, pictures = ocr(seed, 500), {letter: [] for letter in OCR_LETTERS}
        for image, description in zip(scenes.images, scenes.descriptions, strict=True):
            cells = cells_of(image, 8).sum(1)
            for position, character in characters_of(description).items():
                if character in pictures:
                    cell = cells[OCR_POSITIONS.index(position)]
                    pictures[character].append((cell.max() - cell) / np.ptp(cell))
        return np.stack([np.mean(each, axis=0).ravel() for each in pictures.values()])

    one, other = means(1), means(2)
    distance = np.abs(one[:, None] - other).sum(-1)
    assert (distance.argmin(1) == np.arange(16)).all()
    assert np.sort(distance, axis=1)[:, 1].min() > 5 * distance.diagonal().max()


def test_words_are_different(family):
    assert len({*SCENE_WORDS, *TEXT_WORDS}) == len(SCENE_WORDS) + len(TEXT_WORDS)
    assert family(1, count=100, draw=False).descriptions.max() < len(SCENE_WORDS)
