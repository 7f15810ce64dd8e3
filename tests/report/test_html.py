from __future__ import annotations

import re
from html.parser import HTMLParser

from ablate.report.sections import SECTIONS
from tests.report.conftest import HOSTILE, Written

VOID = {"meta", "link", "img", "input", "br", "path", "use", "rect"}


class Page(HTMLParser):
    """Collects what a page would load and whether its tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.handlers: list[str] = []
        self.open: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "srcset", "data", "poster", "xlink:href") or (name == "href" and tag != "a"):
                self.loads.append(value or "")
            if name == "href" and tag == "a":
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
        self.scripts += tag == "script"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag, f"</{tag}> closes nothing at {self.getpos()}"


def parsed(html: str) -> Page:
    page = Page()
    page.feed(html)
    return page


def test_nothing_is_loaded_from_anywhere_else(written: Written) -> None:
    page = parsed(written.html)
    assert page.loads
    assert all(load.startswith(("data:", "#")) for load in page.loads)
    outside = re.findall(r"(?:url\((?!#)|@import|fetch\(|XMLHttpRequest)[^)#]{0,40}", written.html)
    assert outside == []
    assert "default-src 'none'" in written.html


def test_every_tag_closes_and_every_link_has_its_target(written: Written) -> None:
    page = parsed(written.html)
    assert page.open == []
    assert all(link[1:] in page.ids for link in page.links)
    # Left out: no benchmark was run, nothing was tuned, nobody was asked, and the grid names no other codec.
    assert len(page.links) == written.html.count('<section id="') == len(SECTIONS) - 4
    assert {"throughput", "tuning", "references"}.isdisjoint(page.ids)


def test_drawings_share_no_ids(written: Written) -> None:
    ids = parsed(written.html).ids
    assert len(ids) == len(set(ids))


def test_names_from_a_grid_are_text_in_tables_drawings_and_captions(written: Written) -> None:
    assert HOSTILE not in written.html
    assert "<b>stops</b>" not in written.html
    assert written.html.count("&lt;script&gt;alert(1)") > 10
    page = parsed(written.html)
    assert page.scripts == 1
    assert page.handlers == []


def test_tables_sort_by_numbers_and_not_by_their_spelling(written: Written) -> None:
    row = re.search(r"<tr><td[^>]*>vanilla.*?</tr>", written.html)
    assert row is not None
    assert re.search(r'data-sort="2\d\.\d{3,}"', row[0])


def test_the_page_has_light_and_dark_colours_for_the_same_drawings(written: Written) -> None:
    assert "prefers-color-scheme:dark" in written.html
    assert "stroke: var(--series-0)" in written.html
    assert written.html.count("--series-0:#") == 3
