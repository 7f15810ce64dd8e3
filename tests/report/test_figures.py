from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest import mock
from xml.etree import ElementTree

import pytest
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

from ablate.analysis import Contrast, Effect, t_interval
from ablate.analysis.verdicts import judge
from ablate.metrics.catalogue import metrics
from ablate.report import write_report
from ablate.report.figures import LONG_NAME, PAPERS, Drawing, Paper, Style, axis_title, draw, key, name_rows, printing
from ablate.report.sections.forest import _figure
from ablate.report.small_multiples import LEGEND_WIDTH, Key, _write
from ablate.report.svg import SERIES
from tests.fabricated_store import Fabrication, fabricate


def texts(svg: str, tag: str) -> list[str | None]:
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith(tag)]


def test_a_figure_has_its_name_its_words_and_a_title_for_each_point() -> None:
    with draw("test", 2.0) as drawn:
        (panel,) = drawn.panels(1)
        drawn.point(panel, 0, 0, "first", **Style(SERIES[0][0]).drawn(5))
        drawn.point(panel, 1, 1, "", **Style(SERIES[1][0]).drawn(5))
        name_rows(panel, ["above", "below"])
        key(drawn.canvas, {"blue": Style(SERIES[0][0]), "hollow": Style(SERIES[1][0], "s", "none")}, "loss")
        figure = drawn.figure("two points", "Points.")
    assert (figure.name, figure.alternative, figure.caption) == ("test", "two points", "Points.")
    assert texts(figure.svg, "title") == ["first"]
    assert {"above", "below", "blue", "hollow", "loss"} <= set(texts(figure.svg, "text"))


def test_names_of_rows_take_two_lines_at_most() -> None:
    names = ["short", "ab " * 20, "abc " * 40]
    with draw("test", 2.0) as drawn:
        (panel,) = drawn.panels(1)
        name_rows(panel, names)
        found = [label.get_text() for label in panel.get_yticklabels()]
    assert found[0] == "short"
    assert found[1].replace("\n", " ") == names[1].strip()
    assert found[2].endswith(" …")
    assert [text.count("\n") for text in found] == [0, 1, 1]
    assert max(len(line) for text in found for line in text.split("\n")) <= LONG_NAME


def test_an_axis_says_the_unit_and_which_way_is_better() -> None:
    assert axis_title(metrics["psnr"]) == "PSNR (dB)"
    assert axis_title(metrics["ms_ssim"], better=True) == "MS-SSIM, higher is better"


@pytest.mark.parametrize("paper", [None, PAPERS[0]])
@pytest.mark.parametrize("name", ["a", "channels", "scales 3, channels", "adversarial hinge, scales 3, channels"])
def test_keys_of_small_multiples_stay_within_a_page(paper: Paper | None, name: str) -> None:
    handles = {f"{name} {number}": Line2D([], []) for number in range(24)}
    with printing(paper, "png") if paper else nullcontext(), draw("test", 3.0, layout=None) as drawn:
        legend = Key(handles, round(LEGEND_WIDTH * drawn.room))
        _write(drawn.canvas, [legend])
        drawn.canvas.draw_without_rendering()
        assert drawn.canvas.legends[0].get_window_extent().x1 <= drawn.canvas.bbox.x1
        assert legend.columns > 1


def test_titles_of_the_forest_plot_stay_within_a_page() -> None:
    found = {name: [contrast(name)] for name in ("psnr", "bpp_actual", "bpp_bound", "bpp_entropy")}
    shown = [metrics[name] for name in found]
    with printing(PAPERS[0], "png"), mock.patch.object(Drawing, "figure", autospec=True) as kept:
        _figure(shown, [("loss.adversarial", "hinge")], found)
        canvas = kept.call_args.args[0].canvas
        canvas.draw_without_rendering()
        words = canvas.findobj(lambda artist: isinstance(artist, Text) and artist.get_weight() == "bold")
        edges = [each.get_window_extent().x1 for each in words if each.get_text()]
        beginnings = [panel.bbox.x0 for panel in canvas.axes[1:]]
        assert all(edge < begin for edge, begin in zip(edges, [*beginnings, canvas.bbox.x1], strict=True)), edges


def contrast(metric: str) -> Contrast:
    differences = {seed: 0.01 * seed for seed in range(8)}
    interval = t_interval(list(differences.values()))
    effect = Effect("loss.adversarial", "hinge", "vanilla", metric, differences, interval, 8, 8)
    return Contrast(effect, "higher", True, 0.0, judge(effect.differences, 0.0, "higher"))


@pytest.mark.parametrize(("ending", "first"), [("pdf", b"%PDF"), ("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_figures_for_a_paper_are_as_wide_as_a_page_and_as_a_column(tmp_path: Path, ending: str, first: bytes) -> None:
    axes = {"loss.adversarial": ["vanilla", "hinge"], "loss.lambda_x": [12.0, 48.0]}
    store = fabricate(tmp_path, Fabrication(axes=axes, recon=False, log_points=3))
    written = write_report([store], tmp_path / "report", figures=ending)
    drawn = {path.stem for path in written.figures}
    # Panels in a row are stacked in a column; a grid of panels is for a page alone.
    assert {"tradeoff-page", "tradeoff-column", "comparisons-column", "gradients-page"} <= drawn
    assert "gradients-column" not in drawn
    assert all(path.read_bytes().startswith(first) for path in written.figures)
    if ending == "png":
        widths = {}
        for path in written.figures:
            with Image.open(path) as image:
                widths[path.stem.rpartition("-")[2]] = image.width
        assert widths == {"page": 2100, "column": 1020}
    if ending == "pdf":
        content = (tmp_path / "report/figures/tradeoff-page.pdf").read_bytes()
        assert b"/FontFile2" in content  # letters are embedded, as publishers ask
    # Asked for no more, they go.
    write_report([store], tmp_path / "report")
    assert not any(path.exists() for path in written.figures)


def test_a_pdf_for_a_paper_is_one_page_of_its_width_with_every_font_inside(tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    axes = {"loss.adversarial": ["vanilla", "hinge"], "loss.lambda_x": [12.0, 48.0]}
    store = fabricate(tmp_path, Fabrication(axes=axes, recon=False, log_points=3))
    written = write_report([store], tmp_path / "report", figures="pdf")
    assert len(written.figures) > 8
    for path in written.figures:
        (page,) = pypdf.PdfReader(path).pages
        inches = {"page": 7.0, "column": 3.4}[path.stem.rpartition("-")[2]]
        assert page.mediabox.left == page.mediabox.bottom == 0
        assert float(page.mediabox.width) == pytest.approx(72 * inches, abs=0.01)
        assert page.cropbox == page.mediabox
        descriptors = [font["/FontDescriptor"] for font in fonts(page)]
        assert descriptors, path.name
        # TrueType, none of the bitmaps (Type 3) that publishers refuse.
        assert all("/FontFile2" in each.get_object() for each in descriptors), path.name


def fonts(page: Any) -> list[Any]:
    """Returns the fonts of a PDF's page; what a composite one is made of in its place."""
    found = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    return [each for font in found for each in (child.get_object() for child in font.get("/DescendantFonts", [font]))]
