"""Every answer is found again by a reader that knows notes and facts and nothing of how the scenes were drawn."""

from collections import Counter

import numpy as np
import pytest
from sklearn.datasets import load_digits

from vlmcore.data.synthetic.captioned_shapes import COLOURS
from vlmcore.data.synthetic.icons import (
    GRID,
    ICONS,
    PAINTS,
    RELATIONS,
    VALUES,
    facts,
    icon_masks,
)
from vlmcore.data.synthetic.task_families import (
    CHARACTERS,
    DIGITS,
    KINDS,
    LENGTHS,
    LETTERS,
    PAGE,
    PLACES,
    SCENE_WORDS,
    TEXT_WORDS,
    knowledge,
    ocr,
    reasoning,
)

KNOWN = facts(3)
FAMILIES = {
    "knowledge": lambda seed, count, **options: knowledge(
        seed, count, KNOWN, **options
    ),
    "reasoning": lambda seed, count, **options: reasoning(
        seed, count, KNOWN, **options
    ),
    "ocr": ocr,
}


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def puzzles():
    return reasoning(5, 1500, KNOWN, questions=4, draw=False)


def spoken(notes):
    """The notes of a scene as words, one list for each place."""
    return [[SCENE_WORDS[word] for word in place if word >= 0] for place in notes]


def icons_of(notes):
    """Icons by name: their colour, column and row, counted from 1."""
    places = [words for words in spoken(notes) if len(words) == 4]
    return {
        name: (paint, int(column.removeprefix("column")), int(row.removeprefix("row")))
        for column, row, name, paint in places
    }


def page_of(notes):
    """Characters by place."""
    return {words[0]: words[1] for words in spoken(notes) if len(words) == 2}


def fact(icon, relation):
    return VALUES[KNOWN.values[list(ICONS).index(icon), RELATIONS.index(relation)]]


def answer(question, notes):
    """What a reader of notes would say, and how many answers make sense."""
    ask, *about = question.split()
    if ask == "read":
        character = page_of(notes)[about[0]]
        return character, 10 if character.isdigit() else 16
    things = icons_of(notes)
    if not about:
        (icon,) = things
        return fact(icon, ask), 32
    of_colour = [name for name, (paint, _, _) in things.items() if paint == about[0]]
    match ask:
        case "color":
            return things[about[0]][0], 8
        case "count":
            return str(len(of_colour)), 4
        case "same":
            return "yes" if things[about[0]][0] == things[about[1]][0] else "no", 2
        case "left":
            assert things[about[0]][1] != things[about[1]][1], (
                "neither is left of the other"
            )
            return "yes" if things[about[0]][1] < things[about[1]][1] else "no", 2
    (icon,) = of_colour  # of several the question would be ambiguous
    return (icon, 64) if ask == "icon" else (fact(icon, ask), 32)


def test_a_family_is_a_function_of_its_seed(family):
    one, same = (FAMILIES[family](5, 40, questions=2) for _ in range(2))
    assert (
        one.samples == same.samples
        and np.array_equal(one.images, same.images)
        and np.array_equal(one.notes, same.notes)
    )
    assert (
        one.images.shape == (40, 3, 72, 72)
        and one.images.dtype == np.uint8
        and len(one.samples) == 80
    )
    assert [sample.image for sample in one.samples] == [
        i for i in range(40) for _ in range(2)
    ]


def test_two_seeds_share_no_image(family):
    seen = [
        image.tobytes()
        for seed in (5, 6)
        for image in FAMILIES[family](seed, 700).images
    ]
    assert len(set(seen)) == len(seen)


def test_told_scenes_are_the_drawn_ones_without_images(family):
    told, drawn = (
        FAMILIES[family](5, 30, questions=2, draw=draw) for draw in (False, True)
    )
    assert told.samples == drawn.samples and np.array_equal(told.notes, drawn.notes)
    assert told.images is None and drawn.drawn() is drawn.images
    with pytest.raises(ValueError, match="30 scenes have no images"):
        told.drawn()


def test_every_answer_follows_from_the_notes(family):
    scenes = FAMILIES[family](7, 1500, questions=3, draw=False)
    for sample in scenes.samples:
        assert (sample.answer, sample.choices) == answer(
            sample.question, scenes.notes[sample.image]
        ), sample
        assert {*sample.question.split(), sample.answer} <= {*SCENE_WORDS, *TEXT_WORDS}


def test_the_kind_says_what_is_asked(puzzles):
    for sample in puzzles.samples:
        asked = sample.question.split()[0]
        assert sample.kind == (asked if asked in KINDS else "hop")
    pages = ocr(7, 600, draw=False)
    assert all(
        int(sample.kind.split()[0]) == len(page_of(pages.notes[sample.image]))
        for sample in pages.samples
    )
    assert {sample.kind for sample in knowledge(7, 50, KNOWN, draw=False).samples} == {
        "fact"
    }


def test_scenes_are_as_the_docstring_says(puzzles):
    """The first icon alone has its colour; the others have two colours at most, and the second and third agree in every other scene."""
    agree, numbers = [], Counter()
    for i in range(0, len(puzzles.samples), 4):
        things = icons_of(puzzles.notes[i // 4])
        numbers[len(things)] += 1
        paints = Counter(paint for paint, _, _ in things.values())
        assert 1 in paints.values() and len(paints) <= 3
        if len(things) == 3:
            agree.append(len(paints) == 2)
    assert set(numbers) == {2, 3, 4} and min(numbers.values()) > 400
    assert abs(np.mean(agree) - 0.5) < 4 * 0.5 / np.sqrt(len(agree))


def test_no_answer_can_be_had_by_favouring_one(puzzles):
    """Yes and no, colours and icons are balanced; so are values, characters, kinds and lengths."""
    said = {
        kind: Counter(
            sample.answer for sample in puzzles.samples if sample.kind == kind
        )
        for kind in KINDS
    }
    total = {kind: sum(said[kind].values()) for kind in KINDS}
    for kind, choices in {
        "same": 2,
        "left": 2,
        "color": 8,
        "icon": 64,
        "hop": 32,
    }.items():
        most = said[kind].most_common(1)[0][1]
        assert most / total[kind] < 1 / choices + 4 * np.sqrt(
            1 / choices / total[kind]
        ), (kind, said[kind])
    assert (
        set(said["count"]) == {"0", "1", "2", "3"}
        and max(said["count"].values()) < 0.55 * total["count"]
    )
    assert min(total[kind] for kind in ("color", "icon", "count", "hop")) > 0.9 * 1000
    assert total["same"] + total["left"] > 0.9 * 2000 and total["same"] > 0.55 * 1000

    pages = ocr(8, 4000, draw=False).samples
    assert (
        abs(
            np.array([*Counter(sample.kind for sample in pages).values()])
            - 4000 / len(LENGTHS)
        ).max()
        < 120
    )
    letters = Counter(sample.answer for sample in pages if sample.choices == 16)
    assert set(letters) == set(LETTERS) and max(letters.values()) < 2000 / 16 + 50
    assert {sample.answer for sample in pages if sample.choices == 10} == set(DIGITS)


def test_relations_are_asked_by_their_weights():
    asked = Counter(
        sample.question for sample in knowledge(9, 30_000, KNOWN, draw=False).samples
    )
    share = np.array([asked[relation] for relation in RELATIONS]) / 30_000
    assert np.abs(share - KNOWN.weight).max() < 4 * np.sqrt(KNOWN.weight[0] / 30_000)


@pytest.mark.parametrize("name", ["knowledge", "reasoning"])
def test_what_is_scored_was_never_asked_in_training(name):
    def facts_asked(scored, seed):
        scenes = FAMILIES[name](seed, 4000, questions=4, scored=scored, draw=False)
        return {
            pair
            for sample in scenes.samples
            if (pair := _pair(sample, scenes.notes[sample.image]))
        }

    training, test = facts_asked(False, 1), facts_asked(True, 2)
    assert not training & test
    assert min(len(training), len(test)) > 600
    everything = facts_asked(None, 2)
    assert everything & training and everything & test


def _pair(sample, notes):
    """Icon and relation of a question about a fact, None for others."""
    ask, *about = sample.question.split()
    if ask not in RELATIONS:
        return None
    (icon,) = [
        name
        for name, (paint, _, _) in icons_of(notes).items()
        if not about or paint == about[0]
    ]
    return icon, ask


@pytest.mark.parametrize("name", ["knowledge", "reasoning"])
def test_icons_are_drawn_where_the_notes_say(name):
    """Each place looks most like the icon of its note, in the colour of its note; empty places are plain."""
    scenes = FAMILIES[name](11, 80)
    masks, palette = icon_masks().reshape(64, -1), np.array(list(COLOURS.values()))
    for image, notes in zip(scenes.images.astype(float), scenes.notes, strict=True):
        cells = (
            image.reshape(3, GRID, 18, GRID, 18)
            .transpose(1, 3, 0, 2, 4)
            .reshape(GRID**2, 3, -1)
        )
        words = spoken(notes)
        ground = next(
            cell for cell, said in zip(cells, words, strict=True) if len(said) == 2
        )[:, 0]
        for cell, said in zip(cells, words, strict=True):
            ink = np.abs(cell - ground[:, None]).sum(0)
            if len(said) == 2:
                assert ink.max() == 0, "an empty place is plain"
                continue
            match = masks @ ink / np.linalg.norm(masks, axis=1)
            assert list(ICONS)[match.argmax()] == said[2]
            share = masks[
                match.argmax()
            ]  # even the darkest pixel of a thin icon is mixed with the ground
            paint = ground + (cell[:, share.argmax()] - ground) / share.max()
            assert PAINTS[np.abs(palette - paint).sum(1).argmin()] == said[3]


@pytest.mark.parametrize("scored", [False, True])
def test_pages_are_written_where_the_notes_say_with_the_right_hand(scored):
    """Letters match their glyph; every digit is one of scikit-learn's, from the part that this data set may use."""
    scenes = ocr(11, 60, scored=scored)
    data = load_digits()
    masks, digits = data.data / data.data.max(1, keepdims=True), data.target
    found = Counter()
    for image, notes in zip(scenes.images.astype(float), scenes.notes, strict=True):
        page = page_of(notes)
        cells = (
            image.reshape(3, PAGE, 9, PAGE, 9)
            .transpose(1, 3, 0, 2, 4)
            .reshape(PAGE**2, 3, 9, 9)
        )
        empty = next(
            cell for cell, place in zip(cells, PLACES, strict=True) if place not in page
        )
        for cell, place in zip(cells, PLACES, strict=True):
            ink = (empty[:, 0, 0, None, None] - cell).sum(0)
            if place not in page:
                assert (ink == 0).all()
            elif page[place] in DIGITS:
                assert not ink[8].any() and not ink[:, 8].any()
                distance = np.abs(masks - ink[:8, :8].ravel() / ink.max()).max(1)
                nearest = int(distance.argmin())
                assert distance[nearest] < 0.05 and str(digits[nearest]) == page[place]
                assert (nearest >= 1200) == scored
                found["digits"] += 1
            else:
                found["letters"] += 1
    assert min(found["digits"], found["letters"]) > 150


def test_letters_look_like_letters():
    """The mean picture of each letter is nearest to that letter's on other pages."""

    def means(seed):
        scenes, pictures = ocr(seed, 500), {letter: [] for letter in LETTERS}
        for image, notes in zip(scenes.images.astype(float), scenes.notes, strict=True):
            for place, character in page_of(notes).items():
                if character in pictures:
                    row, column = divmod(PLACES.index(place), PAGE)
                    cell = image[
                        :, row * 9 : row * 9 + 9, column * 9 : column * 9 + 9
                    ].sum(0)
                    pictures[character].append(
                        (cell.max() - cell) / (cell.max() - cell.min())
                    )
        return np.stack(
            [np.mean(pictures[letter], axis=0).ravel() for letter in LETTERS]
        )

    one, other = means(1), means(2)
    distance = np.abs(one[:, None] - other).sum(-1)
    assert (distance.argmin(1) == np.arange(16)).all()
    assert np.sort(distance, axis=1)[:, 1].min() > 5 * distance.diagonal().max()


def test_words_are_where_the_code_expects_them():
    assert len(set(SCENE_WORDS)) == len(SCENE_WORDS) and len(CHARACTERS) == 26
    assert max(
        scenes.notes.max()
        for scenes in (
            ocr(1, 100, draw=False),
            reasoning(1, 100, KNOWN, draw=False),
        )
    ) < len(SCENE_WORDS)


@pytest.mark.parametrize("scored", [False, True])
def test_training_asks_the_pairs_that_are_marked_so_and_tests_ask_the_others(scored):
    known = facts(5)
    scenes = knowledge(1, 300, known, questions=4, scored=scored, draw=False)
    for sample in scenes.samples:
        words = {SCENE_WORDS[w] for w in scenes.notes[sample.image].ravel() if w >= 0}
        (icon,) = words & set(ICONS)
        pair = list(ICONS).index(icon), RELATIONS.index(sample.question)
        assert known.asked[pair] != scored
