"""The documentation's pages: all are found, all links lead somewhere, and what comes from the code is complete."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import typer

from ablate.cli.app import app
from ablate.config import Cell
from ablate.losses.card import cards

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if not {"_build", "generated"} & set(path.relative_to(DOCS).parts))
GENERATED = ("generated/commands.md", "generated/settings.md", "generated/losses.md")


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _headings(path: Path) -> set[str]:
    """Returns the anchors of a page, as Sphinx and GitHub make them of its headings."""
    titles = re.findall(r"^#{1,4} (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_every_page_stands_in_the_table_of_contents() -> None:
    index = (DOCS / "index.md").read_text("utf-8")
    listed = {
        line.strip() for tree in re.findall(r"```\{toctree\}\n(.*?)```", index, re.DOTALL) for line in tree.split("\n")
    }
    pages = {str(path.relative_to(DOCS).with_suffix("")) for path in PAGES if path.parent != DOCS / "decisions"}
    assert pages - {"index"} <= listed
    assert {name.removesuffix(".md") for name in GENERATED} <= listed


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_links_and_images_of_a_page_are_there(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("http"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if name in GENERATED:
            continue
        assert target.exists(), f"{page.name} links to {link}"
        assert not anchor or anchor in _headings(target), f"{page.name} links to {link}"


def test_the_page_of_commands_has_every_command_and_option(generate: ModuleType) -> None:
    page = generate.commands()
    for name, command in generate._commands(typer.main.get_command(app), "ablate"):
        _, _, section = page.partition(f"\n## {name}\n")
        section = section.partition("\n## ")[0]
        options = {option for each in command.params for option in (*each.opts, *each.secondary_opts) if "--" in option}
        assert {option for option in options if f"{option}" not in section} == set(), name
    assert page.count("\n## ablate ") > 20


def test_the_page_of_settings_has_every_setting(generate: ModuleType) -> None:
    page = generate.settings()

    def keys(group: type, prefix: str = "") -> list[str]:
        found = []
        for name, field in group.model_fields.items():  # type: ignore[attr-defined]
            inner = field.annotation
            nested = hasattr(inner, "model_fields") and not {"name", "options"} <= inner.model_fields.keys()
            found += keys(inner, f"{prefix}{name}.") if nested else [f"{prefix}{name}"]
        return [key for key in found if not key.endswith("defined_by")]

    assert len(keys(Cell)) > 80
    assert [key for key in keys(Cell) if f"| `{key}` |" not in page] == []


def test_the_page_of_losses_has_every_loss_and_a_figure_of_every_adversarial_one(
    generate: ModuleType, tmp_path: Path
) -> None:
    pytest.importorskip("latex2mathml", reason="the extra `docs` is not installed")
    page = generate.losses()
    for card in cards():
        assert f"\n### {card.name}\n" in page
    assert generate._adversarial() == re.findall(r"\(curves/(\w+)\.svg\)", page)


def test_words_of_the_code_are_no_markup(generate: ModuleType) -> None:
    assert generate._prose("a_b *c* `d_e` [f] <g>") == r"a\_b \*c\* `d_e` \[f] \<g>"
    assert generate._cell("a | b\n  c") == r"a \| b c"
