from __future__ import annotations

from xml.etree import ElementTree

import pytest

from ablate.report.svg import HUES, RAMP, SERIES, colours, drawing, standalone, to_svg


def drawn(name: str = "test", label: str = "words") -> str:
    with drawing(name):
        from matplotlib.figure import Figure

        canvas = Figure(figsize=(3, 2), layout="constrained")
        panel = canvas.subplots()
        (line,) = panel.plot([0, 1], [1, 0], "o", color=SERIES[0][0])
        line.set_gid("first")
        panel.set_title(label)
        return to_svg(canvas, {"first": label})


def test_words_stay_words_whatever_they_hold() -> None:
    for label in ("<script>", "$x^2$", r"$\broken", "λ × 漢字"):
        root = ElementTree.fromstring(drawn(label=label))
        texts = [element.text for element in root.iter() if element.tag.endswith("text")]
        titles = [element.text for element in root.iter() if element.tag.endswith("title")]
        assert label in texts
        assert titles == [label]


def test_colours_follow_the_page() -> None:
    svg = drawn()
    assert "var(--series-0)" in svg
    assert "var(--ink)" in svg
    assert SERIES[0][0] not in svg


def test_a_file_of_its_own_brings_its_colours_and_a_ground_for_both_schemes() -> None:
    svg = standalone(drawn())
    assert f"--series-0:{SERIES[0][0]}" in svg
    assert f"--series-0:{SERIES[0][1]}" in svg
    assert "prefers-color-scheme:dark" in svg
    ElementTree.fromstring(svg.encode())


def test_the_same_drawing_is_the_same_text() -> None:
    assert drawn() == drawn()


def test_drawings_of_other_names_have_other_ids() -> None:
    def ids(svg: str) -> set[str]:
        return {element.attrib["id"] for element in ElementTree.fromstring(svg).iter() if "id" in element.attrib}

    assert ids(drawn("a")) & ids(drawn("b")) == set()


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("pair", [*SERIES, *RAMP])
def test_every_series_colour_stands_out_from_its_ground(pair: tuple[str, str]) -> None:
    light, dark = (luminance(colour) for colour in pair)
    # 3:1 is what WCAG 2.2 (1.4.11) asks of graphics; the dark ground is #14181e.
    assert 1.05 / (light + 0.05) >= 3
    assert (dark + 0.05) / (luminance("#14181e") + 0.05) >= 3


def test_names_beyond_the_hues_begin_them_again_and_numbers_get_a_ramp() -> None:
    names = [str(number) for number in range(HUES + 2)]
    hues = colours(names, ordered=False)
    assert len(set(hues.values())) == HUES
    assert hues[names[0]] == hues[names[HUES]]
    ramp = list(colours([str(number) for number in range(len(RAMP))], ordered=True).values())
    assert ramp == [light for light, _ in RAMP]
    assert list(colours(["1", "48"], ordered=True).values()) == [RAMP[0][0], RAMP[-1][0]]
