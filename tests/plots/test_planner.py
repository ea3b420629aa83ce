"""The planner: what the form answers in a browser is what `plan` answers in Python."""

import math

import numpy as np
import pytest

from vlmcore import paper
from vlmcore.paper import refit
from vlmcore.plots.planner import Planner, Settings
from vlmcore.scaling import LogLinear, bootstrap, candidates, plan

NUMBERS = ("params", "visual_tokens", "cost", "error", "low", "high", "agreement")
TOKENS = [1, 4, 9, 16, 36, 64, 144, 576]


@pytest.fixture(scope="module")
def planner():
    sizes = sorted(paper.scores("visual")["params"].unique())
    return Planner(
        {
            task: bootstrap(refit.fit_published(task), count=300)
            for task in ("visual", "ocr")
        },
        {"measured": sizes, "more": [*sizes, 14e9, 72e9], "any size": None},
        TOKENS,
        encoder_flops=3.8e11,
    )


def test_the_planner_asks_the_scaling_module(planner):
    answer = planner.plan(
        Settings("visual", "measured", 50, 1e12, encoder=True, question_pass=True)
    )
    table = candidates(
        TOKENS,
        50,
        sizes=planner.models["measured"],
        encoder_flops=3.8e11,
        question_pass=True,
    )
    assert answer == plan(planner.laws["visual"], table, 1e12)
    cached = planner.plan(
        Settings("visual", "any size", 50, 1e12, cached=True, question_pass=True)
    )
    assert (cached.visual_tokens, cached.params, cached.agreement) == (1, 5e11, 1)
    assert planner.plan(Settings("ocr", "any size", 50, 1e12)).visual_tokens == 576


def test_the_page_is_light_and_asks_for_nothing(planner):
    page = planner._repr_html_()
    assert len(page) < 150_000
    assert "src=" not in page and "http" not in page and "import(" not in page
    controls = page[: page.index("<script>")]
    assert 'name="q"' not in controls, (
        "Sphinx's search writes into every field of that name"
    )
    assert controls.count("<label") == controls.count("<input") + controls.count(
        "<select"
    )


def test_only_products_are_planned_with():
    line = bootstrap(refit.fit_published("visual", LogLinear), count=5)
    with pytest.raises(ValueError, match="products only"):
        Planner({"visual": line}, {"any size": None}, TOKENS, 0)


@pytest.fixture(scope="module")
def page(browser, planner):
    page = browser.new_page(viewport={"width": 800, "height": 900})
    page.troubles = []
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.set_content(
        f"<!doctype html><html lang='en'><body>{planner._repr_html_()}</body></html>"
    )
    yield page
    assert not page.troubles


SET = """(values) => {
  const form = document.querySelector("#planner form");
  for (const [name, value] of Object.entries(values))
    form.elements[name][typeof value === "boolean" ? "checked" : "value"] = value;
  form.dispatchEvent(new Event("input"));
  const root = document.getElementById("planner");
  return {
    answer: { ...root.dataset },
    words: root.querySelector(".answer").textContent,
    picture: root.querySelector("svg").innerHTML,
  };
}"""
DEFAULT = {
    "task": "visual",
    "models": "measured",
    "text_tokens": 50,
    "budget": 12.0,
    "cached": False,
    "encoder": False,
    "question_pass": False,
}


def ask(page, **changes):
    return page.evaluate(SET, {**DEFAULT, **changes})


@pytest.mark.browser
def test_the_form_answers_what_plan_answers(page, planner):
    rng = np.random.default_rng(0)
    bought = 0
    while bought < 50:
        switches = {
            name: bool(rng.integers(2))
            for name in ("cached", "encoder", "question_pass")
        }
        task, models = (
            str(rng.choice(list(names))) for names in (planner.laws, planner.models)
        )
        q, power = int(rng.integers(0, 501)), float(rng.integers(500, 701)) / 50
        said = ask(
            page, task=task, models=models, text_tokens=q, budget=power, **switches
        )["answer"]
        try:
            answer = planner.plan(Settings(task, models, q, 10**power, **switches))
        except ValueError:
            assert said["params"] == "undefined"
            continue
        bought += 1
        value, low, high, *_ = answer.error
        planned = answer._asdict() | {"error": value, "low": low, "high": high}
        for name in NUMBERS:
            shown = float(said[name.replace("visual_tokens", "visualTokens")])
            assert math.isclose(shown, planned[name], rel_tol=1e-9), name
        assert said["outside"].split() == list(answer.outside)


@pytest.mark.browser
@pytest.mark.parametrize(
    "changes",
    [
        {"text_tokens": 200},
        {"budget": 12.5},
        {"task": "ocr"},
        {"models": "any size"},
        {"cached": True},
        {"encoder": True},
        {"question_pass": True},
    ],
)
def test_every_control_changes_the_picture_and_the_words(page, changes):
    before, after = ask(page), ask(page, **changes)
    assert before["picture"] != after["picture"]
    assert before["words"] != after["words"]
    assert ask(page) == before


@pytest.mark.browser
def test_it_says_when_nothing_can_be_bought_and_when_it_guesses(page):
    assert "buy nothing" in ask(page, budget=10.0, encoder=True)["words"]
    assert "outside of the data" not in ask(page)["words"]
    far = ask(page, models="more", budget=14.0)
    assert "N outside of the data" in far["words"] and far["answer"]["outside"] == "N"


@pytest.mark.browser
def test_it_is_worked_by_keyboard_and_fits_a_phone(page):
    before = ask(page)
    page.locator("#planner [name=budget]").focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    assert (
        page.evaluate("document.getElementById('planner').dataset.error")
        != before["answer"]["error"]
    )
    page.set_viewport_size({"width": 360, "height": 800})
    page.wait_for_function(
        "document.querySelector('#planner svg').viewBox.baseVal.width < 360"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    labels = (
        "[...document.querySelectorAll('#planner :is(input, select)')].map(each "
        "=> each.labels.length)"
    )
    assert page.evaluate(labels) == [1] * 7
