"""What is written for papers, compiled by LaTeX itself where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ablate.report import write_report
from ablate.report.document import Column, Table, Value
from ablate.report.table_files import WRITTEN, to_latex
from tests.fabricated_store import Fabrication, fabricate

PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs,graphicx,longtable}
\usepackage[landscape,paperwidth=2000mm,paperheight=2000mm]{geometry}
\begin{document}
"""


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex: apt-get install texlive-latex-base")
def test_every_figure_and_every_table_stands_in_a_paper_that_compiles(tmp_path: Path) -> None:
    axes = {"loss.adversarial": ["vanilla", "hinge"], "loss.lambda_x": [3.0, 12.0], "discriminator.scales": [1, 3]}
    store = fabricate(tmp_path, Fabrication(axes=axes, status={3: "diverged"}, recon=False, log_points=3))
    written = write_report([store], tmp_path / "report", figures="pdf", formats=["tex"])
    figures = [f"\\includegraphics{{{path}}}\n\n" for path in written.figures]
    labels = tmp_path / "labels.tex"
    letters = Value("é ß ł “quoted” — 25 µm; " + " ".join(WRITTEN))
    labels.write_text(
        to_latex(
            Table(
                "labels",
                "What people write",
                (Column("arm", numeric=False),),
                ((letters,), (Value("[0.5, 0.9]", "[0, 1]"),)),
            )
        )
    )
    tables = [f"\\input{{{path}}}\n\\clearpage\n" for path in (*written.tables, labels)]
    assert len(figures) > 8
    assert len(tables) > 8
    (tmp_path / "paper.tex").write_text(PREAMBLE + "".join(figures + tables) + "\\end{document}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="latin-1", check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    # Nothing is left out in silence: a letter that the font lacks, a figure that is missing.
    assert not re.findall(r"Missing character.*|LaTeX Warning: File.*|Overfull.*", done.stdout)
