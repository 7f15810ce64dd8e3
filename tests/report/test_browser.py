"""The page as a reader meets it: opened from disk in a browser, pressed, filtered, printed."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.report.crops import error_map
from ablate.report.document import Column, Document, Section, Table, Value
from ablate.report.html import to_html
from tests.browser import Browser
from tests.report.conftest import HOSTILE, Written

pytestmark = pytest.mark.browser


def visible_rows(page: Browser, table: str) -> list[str]:
    script = (
        f"[...document.querySelectorAll('#table-{table} tbody tr')]"
        ".filter((row) => row.getBoundingClientRect().height > 0).map((row) => row.innerText)"
    )
    return page.evaluate(script)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_without_an_error_and_asks_for_nothing_else(
    page: Browser, written: Written, scheme: str
) -> None:
    page.open(written.report.html, scheme="dark" if scheme == "dark" else "light")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
    assert page.problems == []
    assert page.requests == [written.report.html.resolve().as_uri()]


def test_a_request_that_leaves_the_page_would_be_seen_and_stopped(page: Browser, tmp_path: Path) -> None:
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    (tmp_path / "leak.html").write_text(f"{policy}<img src='http://127.0.0.1:9/leak.png'>")
    page.open(tmp_path / "leak.html")
    assert any("leak.png" in each for each in page.problems + page.requests)


def test_every_figure_is_drawn_and_as_wide_as_its_column(page: Browser, written: Written) -> None:
    page.open(written.report.html)
    script = (
        "[...document.querySelectorAll('figure[id^=figure-]')].map((figure) => { "
        "const box = figure.querySelector('svg').getBoundingClientRect(); "
        "const marks = figure.querySelectorAll('svg path').length; return [figure.id, box.width, box.height, marks]; })"
    )
    found = {name: (width, height, marks) for name, width, height, marks in page.evaluate(script)}
    assert set(found) == {f"figure-{name}" for name in drawn(written)}
    assert all(width > 600 and height > 120 and marks > 10 for width, height, marks in found.values()), found


def drawn(written: Written) -> list[str]:
    """Names the figures that lie beside the Markdown file."""
    return [path.stem for path in (written.report.html.parent / "figures").glob("*.svg")]


def test_every_image_in_the_page_decodes(page: Browser, written: Written) -> None:
    page.open(written.report.html)
    script = "Promise.all([...document.images].map((image) => image.decode().then(() => image.naturalWidth)))"
    widths = page.evaluate(script)
    assert len(widths) > 20
    assert min(widths) > 0


def test_the_name_of_a_grid_or_a_level_is_text_wherever_it_stands(page: Browser, written: Written) -> None:
    page.open(written.report.html)
    assert page.evaluate("document.scripts.length") == 1
    assert HOSTILE in page.evaluate("document.querySelector('#table-arms').textContent")
    assert HOSTILE in page.evaluate("[...document.querySelectorAll('svg')].map((s) => s.textContent).join()")


def test_a_filter_leaves_the_rows_that_hold_all_words(page: Browser, written: Written) -> None:
    page.open(written.report.html)
    page.point(".fold:has(#table-cells) summary", press=True)
    everything = visible_rows(page, "cells")
    page.write("#table-cells [data-filter]", "lsgan 48")
    kept = visible_rows(page, "cells")
    assert 0 < len(kept) < len(everything)
    assert all("lsgan" in row and "48" in row for row in kept)
    assert page.evaluate("document.querySelector('#table-cells output').value") == f"{len(kept)} of {len(everything)}"


def test_a_heading_sorts_its_column_and_turns_it_round(page: Browser, written: Written) -> None:
    page.open(written.report.html)
    page.point(".fold:has(#table-cells) summary", press=True)
    heads = page.evaluate("[...document.querySelectorAll('#table-cells th')].map((head) => head.innerText)")
    column = next(index for index, head in enumerate(heads) if head.startswith("PSNR"))
    button = f"#table-cells th:nth-child({column + 1}) button"
    cells = (
        f"[...document.querySelectorAll('#table-cells td:nth-child({column + 1})')].map((cell) => cell.dataset.sort)"
    )
    for backwards in (False, True):
        page.point(button, press=True)
        values = [float(value) for value in page.evaluate(cells) if value is not None]
        assert len(values) > 10
        assert values == sorted(values, reverse=backwards)


def test_a_narrow_window_scrolls_down_and_never_sideways(page: Browser, written: Written) -> None:
    page.open(written.report.html, width=420, height=900)
    assert page.evaluate("document.documentElement.scrollWidth") == 420


def test_the_page_prints_light_and_within_the_paper(page: Browser, written: Written, tmp_path: Path) -> None:
    # A4 across less its margins is 273 mm, 1,032 CSS pixels.
    page.open(written.report.html, width=1032, scheme="dark")
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1032
    page.pdf(tmp_path / "report.pdf")
    page.call("Emulation.setEmulatedMedia", media="")
    assert (tmp_path / "report.pdf").stat().st_size > 100_000


def test_the_page_marks_the_section_that_is_being_read(page: Browser, written: Written) -> None:
    page.open(written.report.html)
    for name in json.loads(page.evaluate("JSON.stringify([...document.querySelectorAll('nav a')].map((a) => a.hash))")):
        page.evaluate(f"document.querySelector('{name}').scrollIntoView({{behavior: 'instant'}})")
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.evaluate("document.querySelectorAll('nav a[aria-current]').length") == 1


def test_a_folded_part_opens_by_its_link_in_the_navigation(page: Browser, written: Written) -> None:
    page.open(written.report.html)
    opened = "document.querySelector('#cost details.part').open"
    assert page.evaluate(opened) is False
    page.point("nav a[href='#cost']", press=True)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate(opened) is True


TILE = "#gallery-images .image:first-of-type .tile:not(.original)"


def test_the_pointer_on_a_crop_shows_the_original_in_its_place(page: Browser, written: Written) -> None:
    page.open(written.report.html)
    page.point(f"{TILE} .frame")
    script = f"(() => {{ const t = document.querySelector('{TILE}'); const o = t.querySelector('.over'); "
    same = "o.src === t.parentElement.querySelector('.original img').src"
    assert page.evaluate(f"{script} return [getComputedStyle(o).visibility, {same}]; }})()") == ["visible", True]
    page.point("h1")
    assert page.evaluate(f"{script} return getComputedStyle(o).visibility; }})()") == "hidden"


def test_the_slider_draws_the_original_over_every_crop_of_its_image(page: Browser, written: Written) -> None:
    page.open(written.report.html)
    page.point("#gallery-images .image [data-cut]", press=True, at=0.25)
    cuts = page.evaluate(f"[...document.querySelectorAll('{TILE} .over')].map((o) => getComputedStyle(o).clipPath)")
    assert len(cuts) > 5
    right = float(cuts[0].split()[1].rstrip("%"))
    assert 65 < right < 85
    assert set(cuts) == {cuts[0]}
    others = "document.querySelectorAll('.image:last-of-type.cut').length"
    assert page.evaluate(others) == 0


def test_errors_are_coloured_as_the_markdown_sheets_are(page: Browser, written: Written) -> None:
    page.open(written.report.html)
    page.point("[data-view=error]", press=True)
    read = (
        f"(() => {{ const t = document.querySelector('{TILE}'); const c = t.querySelector('canvas'); "
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; return {shown: "
        "getComputedStyle(c).visibility, width: c.width, pixels: [...d], own: t.querySelector('img').src, "
        "original: t.parentElement.querySelector('.original img').src}; })()"
    )
    found = page.evaluate(read)
    assert found["shown"] == "visible"
    own, original = (pixels(found[name]) for name in ("own", "original"))
    drawn_map = np.array(found["pixels"]).reshape(-1, found["width"], 4)[..., :3].transpose(2, 0, 1)
    # A canvas rounds half a level up, numpy to even.
    assert np.abs(drawn_map - error_map(own, original).astype(int)).max() <= 1
    page.point("[data-view=image]", press=True)
    assert page.evaluate(read)["shown"] == "hidden"


def pixels(address: str) -> np.ndarray:
    """Decodes an image in the page to uint8 (3, H, W)."""
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGB")).transpose(2, 0, 1)


def test_flicker_alternates_and_stops(page: Browser, written: Written) -> None:
    page.open(written.report.html)
    page.point("#gallery-images .image [data-flicker]", press=True)
    shown = f"document.querySelectorAll('{TILE}.show').length"
    wait = f"new Promise((done) => {{ const look = () => {shown} > 5 ? done(true) : setTimeout(look, 50); look(); }})"
    assert page.evaluate(wait)
    page.point("#gallery-images .image [data-flicker]", press=True)
    assert page.evaluate(shown) == 0


def test_zoom_enlarges_crops_without_smoothing(page: Browser, written: Written) -> None:
    page.open(written.report.html)
    width = f"document.querySelector('{TILE} img').getBoundingClientRect().width"
    single = page.evaluate(width)
    page.point("[data-zoom='2']", press=True)
    assert page.evaluate(width) == pytest.approx(2 * single, abs=1)
    assert page.evaluate(f"getComputedStyle(document.querySelector('{TILE} img')).imageRendering") == "pixelated"


def test_a_long_table_lays_out_a_part_and_filters_sorts_and_prints_all_of_it(
    page: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = tuple((Value(f"cell {n}"), Value(str(n), sort=n)) for n in range(1000))
    columns = (Column("name", numeric=False), Column("number"))
    section = Section("results", "Results", (Table("long", "Long", columns, rows, filterable=True),))
    path = tmp_path_factory.mktemp("long") / "report.html"
    path.write_text(to_html(Document("long", "", (section,))))
    page.open(path)
    count = "document.querySelectorAll('#table-long tbody tr').length"
    assert page.evaluate(count) < 300
    page.point("#table-long th:nth-child(2) button", press=True)
    page.point("#table-long th:nth-child(2) button", press=True)
    assert visible_rows(page, "long")[0].split() == ["cell", "999", "999"]
    page.write("#table-long [data-filter]", "77")
    numbers = [int(row.split()[1]) for row in visible_rows(page, "long")]
    assert numbers == sorted((n for n in range(1000) if "77" in str(n)), reverse=True)
    page.evaluate("(() => { const i = document.querySelector('#table-long [data-filter]'); i.value = ''; "
                  "i.dispatchEvent(new Event('input')); })()")  # fmt: skip
    page.evaluate("document.querySelector('#table-long .scroll').scrollTo(0, 1e6)")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert 100 < page.evaluate(count) < 300
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(count) == 1000
