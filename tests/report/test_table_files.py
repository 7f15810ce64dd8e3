from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from ablate.bench.record import Journal
from ablate.report.document import Column, Table, Value
from ablate.report.report import build, gather
from ablate.report.table_files import LONG, WRITTEN, escaped, to_csv, to_latex
from tests.fabricated_store import Fabrication, fabricate
from tests.report.sections.test_throughput import EAGER, HEAD, row

COLUMNS = (Column("loss", numeric=False), Column("PSNR", "dB"), Column("cell", numeric=False))


def table(rows: int = 1, **changed: object) -> Table:
    fields = (Value("a & b_c"), Value("21.50 ± 0.10", "raw 20.1", 21.4987654321, "best"), Value("00ff", code=True))
    return Table("arms", "Arms", COLUMNS, (fields,) * rows, "50% of all. Click a heading to sort.")


def test_csv_has_numbers_in_full_and_second_lines_in_columns_of_their_own() -> None:
    head, row = csv.reader(io.StringIO(to_csv(table())))
    assert head == ["loss", "PSNR (dB)", "PSNR: note", "cell"]
    assert row == ["a & b_c", "21.4987654321", "raw 20.1", "00ff"]


AXES = {"loss.adversarial": ["lsgan", "hinge"], "model.channels": [2, 4, 8, 16], "loss.lambda_x": [12.0, 48.5]}


def test_csv_says_the_number_that_a_reader_sees(tmp_path: Path) -> None:
    compare = {"baseline": {"model.channels": 4}, "rate_match": "bd"}
    store = fabricate(tmp_path, Fabrication(axes=AXES, status={3: "diverged"}, compare=compare, recon=False))
    journal = Journal(store.root / "bench" / "20260101T000000-cpu.jsonl")
    journal.begin(HEAD)
    for each in (row("eager", EAGER), row("native", [8.0, 7.0, 9.0])):
        journal.write(each)
    journal.end("complete", [])
    tables = [
        block for section in build(gather([store])).sections for block in section.blocks if isinstance(block, Table)
    ]
    compared = set()
    for one in tables:
        for column, value in ((c, v) for line in one.rows for c, v in zip(one.columns, line, strict=True)):
            # Other texts have a unit of their own.
            number = re.fullmatch(r"([+\u2212]?[\d,]+(?:\.(\d+))?)(?: ±.*)?", value.text)
            if column.numeric and number and isinstance(value.sort, int | float):
                seen = float(number[1].replace("\u2212", "-").replace(",", ""))
                assert abs(seen - value.sort) <= 0.5001 * 10 ** -len(number[2] or ""), (one.name, column.title, value)
                compared.add((one.name, column.title))
    wanted = [("arms", "channels"), ("arms", "lambda_x"), ("comparisons-psnr", "bits"), ("budgets", "training time")]
    wanted += [("bjontegaard", "overlap"), ("throughput", "roofline")]
    assert {*wanted, ("throughput", "work")} <= compared


def test_csv_of_a_field_without_a_number_is_its_words() -> None:
    missing = Table("t", "T", (Column("PSNR"),), ((Value("–"),), (Value("diverged", sort="x"),)))
    assert to_csv(missing) == "PSNR\n–\ndiverged\n"


def test_latex_prints_every_word_as_it_is() -> None:
    text = to_latex(table())
    assert r"a \& b\_c & \textbf{21.50 $\pm$ 0.10} & \texttt{00ff} \\" in text
    # The second line stays with it.
    assert "\\\\*\n & \\footnotesize raw 20.1 &  \\\\\n" in text
    assert r"\caption{Arms. 50\% of all.}" in text
    assert r"\begin{tabular}{lrl}" in text
    assert r"\label{tab:arms}" in text


def test_sentences_in_latex_are_paragraphs_and_no_field_is_an_option_of_the_line_before() -> None:
    sentence = Value("inconclusive", "the interval reaches over the margin; at this spread 12 seeds would tell")
    text = to_latex(Table("t", "T", (COLUMNS[0], Column("verdict", numeric=False)), ((Value("[1, 2]"), sentence),)))
    assert r"\begin{tabular}{lp{50mm}}" in text
    assert r"{}[1, 2] & \rightskip=0pt plus 1fil\relax inconclusive \\*" in text
    assert r" & \rightskip=0pt plus 1fil\relax \footnotesize the interval reaches" in text


def test_nothing_that_latex_would_take_for_markup_is_left() -> None:
    words = "".join(WRITTEN) + "\\input{/etc/passwd}"
    left = re.sub(r"\\text\w+\{\}|\\dots\{\}|\$(?:-|\^\d|\\\w+)\$|\\,|~|\\[&%$#_{}]|--", "", escaped(words))
    assert left == "input/etc/passwd"


def test_begin_and_end_match_and_every_row_has_every_column() -> None:
    for rows in (0, 1, LONG + 1):
        text = to_latex(table(rows))
        begun, ended = re.findall(r"\\begin\{(\w+)\}", text), re.findall(r"\\end\{(\w+)\}", text)
        assert begun == ended[::-1]
        assert ("longtable" in begun) == (rows > LONG)
        body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
        fields = [len(re.findall(r"(?<!\\)&", line)) for line in body.splitlines() if re.search(r"\\\\\*?$", line)]
        assert fields == [2] * 2 * rows
