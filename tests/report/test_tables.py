from __future__ import annotations

import csv
import io
import re

from ablate.report.document import Column, Table, Value
from ablate.report.tables import LONG, WRITTEN, escaped, to_csv, to_latex

COLUMNS = (Column("loss", numeric=False), Column("PSNR", "dB"), Column("cell", numeric=False))


def table(rows: int = 1, **changed: object) -> Table:
    row = (Value("a & b_c"), Value("21.50 ± 0.10", "raw 20.1", 21.4987654321, "best"), Value("00ff", code=True))
    return Table("arms", "Arms", COLUMNS, (row,) * rows, "50% of all. Click a heading to sort.")


def test_csv_has_numbers_in_full_and_second_lines_in_columns_of_their_own() -> None:
    head, row = csv.reader(io.StringIO(to_csv(table())))
    assert head == ["loss", "PSNR (dB)", "PSNR: note", "cell"]
    assert row == ["a & b_c", "21.4987654321", "raw 20.1", "00ff"]


def test_csv_of_a_field_without_a_number_is_its_words() -> None:
    missing = Table("t", "T", (Column("PSNR"),), ((Value("–"),), (Value("diverged", sort="x"),)))
    assert to_csv(missing) == "PSNR\n–\ndiverged\n"


def test_latex_prints_every_word_as_it_is() -> None:
    text = to_latex(table())
    assert r"a \& b\_c & \textbf{21.50 $\pm$ 0.10} & \texttt{00ff} \\" in text
    assert r"\caption{Arms. 50\% of all.}" in text
    assert r"\begin{tabular}{lrl}" in text
    assert r"\label{tab:arms}" in text


def test_nothing_that_latex_would_take_for_markup_is_left() -> None:
    words = "".join(WRITTEN) + "\\input{/etc/passwd}"
    left = re.sub(r"\\text\w+\{\}|\\dots\{\}|\$(?:-|\\\w+)\$|\\[&%$#_{}]|--", "", escaped(words))
    assert left == "input/etc/passwd"


def test_begin_and_end_match_and_every_row_has_every_column() -> None:
    for rows in (0, 1, LONG + 1):
        text = to_latex(table(rows))
        begun, ended = re.findall(r"\\begin\{(\w+)\}", text), re.findall(r"\\end\{(\w+)\}", text)
        assert begun == ended[::-1]
        assert ("longtable" in begun) == (rows > LONG)
        body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
        fields = [len(re.findall(r"(?<!\\)&", line)) for line in body.splitlines() if line.endswith(r"\\")]
        assert fields == [2] * rows
