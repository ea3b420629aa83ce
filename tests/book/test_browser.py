"""The built pages in a browser without network: no error, nothing missing or cut.

axe-core looks for what keeps out people who use a screen reader or a keyboard.
"""

import functools
import http.server
import threading
from importlib.resources import files
from itertools import product

import pytest

from tests.book.conftest import ROOT, pages

HTML = ROOT / "_build" / "html"
AXE = files("axe_playwright_python") / "axe.min.js"
PAGES = [str(path.relative_to(ROOT).with_suffix(".html")) for path in pages()]
CODE_COLUMNS = 88
DESKTOP, PHONE = 1280, 390

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (HTML / "index.html").exists(),
        reason="the book is not built; run make book first",
    ),
]

BROKEN = """() => [...document.images]
  .filter(image => image.complete && !image.naturalWidth && image.getAttribute("src"))
  .map(image => image.src)"""
"""Images that did not load."""

OPEN_ALL = """() => {
  for (const button of document.querySelectorAll(".toggle-hidden .toggle-button"))
    button.click();
}"""
"""Opens every solution, so that its code and tables are laid out."""

OVERFLOWING = """() => {
  const boxes = "pre, table, .output, .pst-scrollable-table-container";
  return [...document.querySelectorAll(`article :is(${boxes})`)]
    .filter(box => box.scrollWidth > box.clientWidth && box.clientWidth)
    .map(box => `${box.tagName}: ${box.scrollWidth} of ${box.clientWidth} pixels, `
      + box.innerText.trim().slice(0, 60));
}"""
"""Boxes whose content is wider than they are."""

CUT = """() => {
  const boxes = "pre, table, img, svg, mjx-container";
  const scrolls = box => box && box.tagName !== "ARTICLE" && (
    /auto|scroll/.test(getComputedStyle(box).overflowX) || scrolls(box.parentElement));
  return [...document.querySelectorAll(`article :is(${boxes})`)]
    .filter(box => box.getBoundingClientRect().right > innerWidth && !scrolls(box))
    .map(box => `${box.tagName}: ${box.textContent.trim().slice(0, 60)}`);
}"""
"""Elements that end outside of the window and in no box that scrolls."""

FILL = """(columns) => {
  const line = "x".repeat(columns), code = ".highlight pre";
  return ["article", "article .admonition.solution"].map(within => {
    const pre = document.querySelector(`${within} ${code}`);
    pre.textContent = line;
    return [pre.scrollWidth, pre.clientWidth];
  });
}"""
"""Widths of a line of code and of its box, in the text and in a solution."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def site():
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=HTML)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def open_page(browser, site):
    """Opens a page; `page.troubles` collects errors and requests to other hosts."""
    contexts = []

    def go(name, width=DESKTOP, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.troubles = []
        outside = lambda url: not url.startswith((site, "data:", "blob:"))  # noqa: E731
        context.route(
            outside,
            lambda route: (
                page.troubles.append(f"asked for {route.request.url}"),
                route.abort(),
            ),
        )
        page.on(
            "console",
            lambda message: (
                message.type == "error" and page.troubles.append(message.text)
            ),
        )
        page.on("pageerror", lambda error: page.troubles.append(str(error)))
        page.on(
            "response",
            lambda response: (
                response.status >= 400
                and page.troubles.append(f"{response.status} {response.url}")
            ),
        )
        page.goto(f"{site}/{name}", wait_until="networkidle")
        return page

    yield go
    for context in contexts:
        context.close()


def barriers(page, scheme):
    """Serious and critical findings of axe-core, with an element of each.

    In dark mode only the contrast of colours is another one.
    """
    if not page.evaluate("!!window.axe"):
        page.evaluate(AXE.read_text())
    options = {"resultTypes": ["violations"], "preload": False}
    if scheme == "dark":
        options["runOnly"] = ["color-contrast"]
    found = page.evaluate("options => axe.run(options)", options)
    return [
        f"{each['id']} of {each['nodes'][0]['html'][:200]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def settled(page, script):
    """The result of a script, empty once the page is laid out; waits five seconds."""
    for _ in range(25):
        if not (found := page.evaluate(script)):
            break
        page.wait_for_timeout(200)
    return found


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_clean_nothing_is_cut_off_and_all_can_use_it(open_page, name):
    page = open_page(name)
    assert page.locator("article h1").count() == 1
    page.evaluate(OPEN_ALL)
    page.add_style_tag(content="* { transition: none !important }")
    for width, scheme in product((DESKTOP, PHONE), ("light", "dark")):
        where = f"{width} pixels, {scheme}"
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")
        assert settled(page, BROKEN) == [], where
        assert page.evaluate("document.documentElement.scrollWidth") <= width, where
        assert settled(page, CUT) == [], where
        if width == DESKTOP:
            assert settled(page, OVERFLOWING) == [], where
            assert not (found := barriers(page, scheme)), f"{where}: {found}"
    assert not page.troubles


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_full_line_of_code_fits_its_box(open_page, scheme):
    page = open_page("book/anatomy/04_one_token_vlm.html", DESKTOP, scheme)
    page.evaluate(OPEN_ALL)
    for line, box in page.evaluate(FILL, CODE_COLUMNS):
        assert line <= box, f"a line of {line} pixels in a box of {box}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_slider_of_the_first_page_is_alive(open_page, scheme):
    page = open_page("book/index.html", scheme=scheme)
    slider = page.locator(".frames").first
    shown = slider.locator("img:visible")
    before = shown.get_attribute("src")
    slider.locator("input").focus()
    page.keyboard.press("ArrowRight")
    assert shown.count() == 1 and shown.get_attribute("src") != before
    assert slider.locator("b").inner_text() == "5 text tokens"
    assert slider.locator("input").get_attribute("aria-valuetext") == "5 text tokens"
    ground = "box => getComputedStyle(box.closest('.output')).backgroundColor"
    assert slider.evaluate(ground) == "rgba(0, 0, 0, 0)"
    assert not page.troubles


def test_the_planner_is_alive_and_starts_as_it_says(open_page):
    page = open_page("book/laws/21_planner.html")
    planner = page.locator("#planner")
    assert planner.locator("[name=text_tokens]").input_value() == "50"
    before = (
        planner.locator(".answer").inner_text(),
        planner.locator("svg").inner_html(),
    )
    assert "7B" in before[0] and "V\u00a0=\u00a016" in before[0]
    planner.locator("[name=cached]").check()
    assert (
        planner.locator(".answer").inner_text(),
        planner.locator("svg").inner_html(),
    ) != before
    assert planner.locator("[name=text_tokens]").is_disabled()
    assert not page.troubles


def test_equations_and_solutions(open_page):
    page = open_page("book/anatomy/04_one_token_vlm.html")
    solution = page.locator("div.solution").first
    assert solution.is_visible()
    hidden = solution.locator("pre").first
    assert not hidden.is_visible()
    solution.locator(".toggle-button, summary, button").first.click()
    hidden.wait_for(state="visible")
