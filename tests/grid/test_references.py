"""[[reference]]: what may be declared, and how mistakes are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.grid import Grid, GridError, Mistake

ReadGrid = Callable[[str], Grid]
Mistakes = Callable[[str], tuple[Mistake, ...]]
HEAD = 'schema = 1\nname = "test"\n[base]\npreset = "tiny"\n'


def test_a_reference_is_a_file_a_command_or_a_codec(grid: ReadGrid, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("bpp,psnr\n0.1,24\n")
    read = grid("""
        [[reference]]
        codec = "jpeg"
        qualities = [10, 30]

        [[reference]]
        file = "points.csv"
        same_images = true
        same_convention = ["psnr"]
        columns = { lpips_alex = "lpips" }

        [[reference]]
        name = "mine"
        command = "codec {input} {output} {decoded} {quality}"
        qualities = [1, 2.5, "best"]
        timeout = "2m"
    """).references
    assert [each.label for each in read] == ["JPEG", "points", "mine"]
    assert read[0].qualities == (10, 30)
    assert read[1].same_convention == ("psnr",)
    assert (read[2].command, read[2].timeout) == (("codec {input} {output} {decoded} {quality}",), 120)


def test_several_programs_may_follow_one_another(grid: ReadGrid) -> None:
    read = grid('[[reference]]\nname = "two"\ncommand = ["enc {input} {output}", "dec {output} {decoded}"]').references
    assert len(read[0].command) == 2


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('codec = "jpge"', 6, "did you mean 'jpeg'?"),
        ('codec = "jpeg"\nqualty = [1]', 7, "did you mean 'qualities'?"),
        ('codec = "jpeg"\nfile = "a.csv"', 5, "one of file, command and codec; found file and codec"),
        ('name = "x"', 5, "found none"),
        ('codec = "jpeg"\nqualities = [2.5]', 5, "qualities of jpeg are whole numbers"),
        ('codec = "jpeg"\nsame_images = true', 5, "same_images means nothing beside codec"),
        ('command = "codec {input} {output}"', 5, "command lacks {decoded}"),
        ("command = 'codec {input} {output} {decoded} \"a'", 5, "command: No closing quotation in"),
        ('command = ["", "codec {input} {output} {decoded}"]', 5, "there is no program in an empty string"),
        ('command = "codec {input:d} {output} {decoded}"', 5, "{input} takes no format"),
        ('command = "codec {input} {output} {decodd}"', 5, "did you mean 'decoded'?"),
        ('command = "codec {input} {output} {decoded} {quality}"', 5, "needs qualities"),
        ('file = "absent.csv"', 6, "there is no file"),
        ('file = "absent.csv"\nsame_convention = ["pnsr"]', 7, "did you mean 'psnr'?"),
        ('file = "absent.csv"\nimages = "xyz"', 5, "images is the digest"),
        ('command = 3', 6, "allowed: a string like"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(mistakes: Mistakes, text: str, line: int, told: str) -> None:
    (found,) = [each for each in mistakes(f"{HEAD}[[reference]]\n{text}") if told in str(each)]
    assert found.line == line


def test_two_references_have_two_names(mistakes: Mistakes) -> None:
    (found,) = mistakes(f'{HEAD}[[reference]]\ncodec = "jpeg"\n[[reference]]\ncodec = "jpeg"\nqualities = [3]')
    assert "given twice" in str(found)
    assert found.line == 7


def test_a_plan_keeps_references_with_absolute_files(tmp_path: Path) -> None:
    from ablate.execute.planning import plan
    from ablate.grid import read_grid

    (tmp_path / "points.csv").write_text("bpp,psnr\n0.1,24\n")
    (tmp_path / "grid.toml").write_text(f'{HEAD}[[reference]]\nfile = "points.csv"\nsame_images = true\n')
    (kept,) = plan(read_grid(tmp_path / "grid.toml")).record.references
    assert kept.file == str((tmp_path / "points.csv").resolve())
    assert kept.same_images


def test_a_reference_changes_no_identity(grid: ReadGrid) -> None:
    ids = [point.cell.id for point in grid("").points()]
    assert [point.cell.id for point in grid('[[reference]]\ncodec = "webp"').points()] == ids


def test_references_are_tables(grid: ReadGrid) -> None:
    with pytest.raises(GridError, match=r"allowed: tables under \[\[reference\]\]"):
        grid('[reference]\ncodec = "jpeg"')
