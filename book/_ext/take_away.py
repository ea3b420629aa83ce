"""The built book to take away: one PDF, its notebooks, its pages for reading offline.

python book/_ext/take_away.py pdf notebooks offline

The files are written to `_build/take-away`. The PDF is printed by Chromium, with every
solution open and every slider as a still; it leaves out the reference of the package.
"""

import shutil
import sys
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import yaml
from depends import ROOT
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader, PdfWriter

HTML, OUT = ROOT / "_build" / "html", ROOT / "_build" / "take-away"
NAME, REFERENCE = "one-visual-token", "Package"
FLAGS = ["--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
_OPEN = """() => {
  document.documentElement.dataset.theme = "light";
  for (const button of document.querySelectorAll(".toggle-hidden .toggle-button"))
    button.click();
}"""
_STYLE = """
  #jb-print-docs-body, .prev-next-area, details.hide, .headerlink, .toggle-button {
    display: none !important;
  }
  .bd-main .bd-content .bd-article h1:first-of-type { display: block }
  .bd-main .bd-content { margin-left: 0 }
  .bd-content pre { white-space: pre-wrap; font-size: 0.7rem }
  .bd-content :is(pre, table, .cell, .cell *, .highlight, .admonition) {
    break-inside: auto; overflow: visible;
  }
  .bd-content :is(h1, h2, h3, img, svg, tr),
  .bd-content .cell :is(figure, img, svg, tr),
  .bd-content .admonition:not(.solution):not(:has(pre)) { break-inside: avoid }
  .bd-content .admonition-title { break-after: avoid }
  .bd-content .solution { margin-bottom: 0; padding-bottom: 0 }
  .bd-main .bd-content .bd-article { padding-bottom: 0 }
"""
_READY = """() => [...document.images].every(image => image.complete)
  && !(window.MathJax && MathJax.startup && !MathJax.startup.promise)"""


def parts() -> dict[str, list[str]]:
    """The pages of each part of the table of contents; the cover is its own part."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    pages = {
        part["caption"]: [chapter["file"] for chapter in part["chapters"]]
        for part in toc["parts"]
    }
    return {"One Visual Token": [toc["root"]]} | pages


def pdf() -> Path:
    """The whole book as one file, with a bookmark for each part and each page."""
    executable, target = shutil.which("chromium"), OUT / f"{NAME}.pdf"
    if executable is None:
        sys.exit("no Chromium was found; install it, for example: apt install chromium")
    book = PdfWriter()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        page = browser.new_page(viewport={"width": 1000, "height": 1400})
        for caption, names in parts().items():
            if caption == REFERENCE:
                continue
            part = book.add_outline_item(title=caption, page_number=len(book.pages))
            for name in names:
                printed = PdfReader(BytesIO(_print(page, HTML / f"{name}.html")))
                title = page.locator("article h1").first.inner_text().rstrip("#")
                book.add_outline_item(
                    title=title, page_number=len(book.pages), parent=part
                )
                book.append(printed, import_outline=False)
        browser.close()
    book.add_metadata({"/Title": "One Visual Token"})
    book.compress_identical_objects()
    book.write(target)
    return target


def _print(page: Page, path: Path) -> bytes:
    """A page as PDF, once its formulas, images and widgets are there."""
    page.goto(path.as_uri())
    page.add_style_tag(content=_STYLE)
    page.evaluate(_OPEN)
    page.wait_for_function(_READY)
    page.wait_for_load_state("networkidle")
    return page.pdf(
        format="A4",
        scale=0.8,  # letters of ten points, and tables find room
        margin=dict.fromkeys(("top", "bottom"), "18mm")
        | dict.fromkeys(("left", "right"), "14mm"),
        print_background=True,
    )


def notebooks() -> Path:
    """The notebooks of the book, in their folders, without outputs."""
    target = OUT / f"{NAME}-notebooks.zip"
    pages = [ROOT / f"{name}.ipynb" for names in parts().values() for name in names]
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for page in filter(Path.exists, pages):
            archive.write(page, f"{NAME}/{page.relative_to(ROOT)}")
    return target


def offline() -> Path:
    """All pages with everything that they need."""
    return Path(shutil.make_archive(str(OUT / f"{NAME}-pages"), "zip", HTML))


if __name__ == "__main__":
    wanted = {"pdf": pdf, "notebooks": notebooks, "offline": offline}
    if not sys.argv[1:] or not set(sys.argv[1:]) <= set(wanted):
        sys.exit(f"say what to make: {', '.join(wanted)}")
    if not (HTML / "index.html").exists():
        sys.exit("the book is not built; run make book first")
    OUT.mkdir(exist_ok=True)
    for word in sys.argv[1:]:
        made = wanted[word]()
        print(f"{made.relative_to(ROOT)}: {made.stat().st_size / 1e6:.1f} MB")
