from __future__ import annotations

from xml.etree import ElementTree

from ablate.metrics.catalogue import metrics
from ablate.report.figures import Style, axis_title, draw, key, name_rows
from ablate.report.svg import SERIES


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


def test_an_axis_says_the_unit_and_which_way_is_better() -> None:
    assert axis_title(metrics["psnr"]) == "PSNR (dB)"
    assert axis_title(metrics["ms_ssim"], better=True) == "MS-SSIM, higher is better"
