"""Tables of a report as files of their own: CSV for programs, LaTeX for papers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence

from ablate.report.document import Column, Table, Value

LONG = 40
"""Rows from which a LaTeX table breaks over pages."""

WORDY, PARAGRAPH = 40, "p{50mm}"
"""Characters from which a LaTeX column of words is set in paragraphs, and how such a column is declared."""

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau",
    "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda",
    "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip

WRITTEN = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "\u2212": "$-$", "±": r"$\pm$", "–": "--",
    "×": r"$\times$", "·": r"$\cdot$", "…": r"\dots{}", "≤": r"$\leq$", "≥": r"$\geq$", "≈": r"$\approx$",
    "∞": r"$\infty$", "√": r"$\surd$", "→": r"$\rightarrow$", "²": "$^2$", "³": "$^3$", "\u2009": r"\,", "\xa0": "~",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    **{letter: f"$\\{name}$" for letter, name in GREEK.items()},
}  # fmt: skip
"""Characters that LaTeX takes for markup, or not at all -> how they are written instead."""


def to_csv(table: Table) -> str:
    """Returns the rows with full precision; a column's second lines, where it has any, as a column of their own."""
    noted = [any(row[index].below for row in table.rows) for index in range(len(table.columns))]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    notes = [f"{column.title}: note" for column in table.columns]
    writer.writerow(_spread([column.heading for column in table.columns], notes, noted))
    for row in table.rows:
        values = [_exact(value, column) for value, column in zip(row, table.columns, strict=True)]
        writer.writerow(_spread(values, [value.below for value in row], noted))
    return text.getvalue()


def _spread(values: Sequence[str], notes: Sequence[str], noted: Sequence[bool]) -> list[str]:
    parts = [[value, note] if has else [value] for value, note, has in zip(values, notes, noted, strict=True)]
    return [part for pair in parts for part in pair]


def _exact(value: Value, column: Column) -> str:
    """Returns the number that a field sorts by where it is one, else its words."""
    if column.numeric and isinstance(value.sort, int | float):
        return repr(value.sort)
    return value.text


def to_latex(table: Table) -> str:
    """Returns a booktabs table with its caption; one of many rows breaks over pages.

    Second lines are a row of their own, in smaller letters, that stays with the row above it.
    """
    kind = "longtable" if len(table.rows) > LONG else "tabular"
    shapes = [_shape(column, [row[index] for row in table.rows]) for index, column in enumerate(table.columns)]
    shape = "".join(shapes)
    lines = [f"% \\usepackage{{booktabs{',longtable' if kind == 'longtable' else ''}}}"]
    caption = escaped(" ".join([f"{table.title}.", table.caption.replace("Click a heading to sort.", "")]).strip())
    if kind == "tabular":
        lines += [r"\begin{table}", r"\centering", f"\\caption{{{caption}}}", f"\\label{{tab:{table.name}}}"]
        lines.append(f"\\begin{{tabular}}{{{shape}}}")
    else:
        lines += [f"\\begin{{longtable}}{{{shape}}}", f"\\caption{{{caption}}}\\label{{tab:{table.name}}}\\\\"]
    lines += [r"\toprule", _line([escaped(column.heading) for column in table.columns]), r"\midrule"]
    lines += [r"\endhead"] if kind == "longtable" else []
    lines += [line for row in table.rows for line in _row(row, shapes)]
    lines += [r"\bottomrule", f"\\end{{{kind}}}"] + ([r"\end{table}"] if kind == "tabular" else [])
    return "\n".join(lines) + "\n"


def escaped(words: str) -> str:
    """Returns words that LaTeX prints as they are."""
    return re.sub("|".join(map(re.escape, WRITTEN)), lambda match: WRITTEN[match[0]], words)


def _shape(column: Column, values: Sequence[Value]) -> str:
    """Returns how a column is declared: numbers to the right, words to the left, sentences as paragraphs."""
    if column.numeric:
        return "r"
    wordy = any(len(words) > WORDY for value in values if not value.code for words in (value.text, value.below))
    return PARAGRAPH if wordy else "l"


def _row(values: Sequence[Value], shapes: Sequence[str]) -> list[str]:
    fields = [_set(_field(value), shape) for value, shape in zip(values, shapes, strict=True)]
    if not any(value.below for value in values):
        return [_line(fields)]
    small = [f"\\footnotesize {escaped(value.below)}" if value.below else "" for value in values]
    notes = [_set(words, shape) for words, shape in zip(small, shapes, strict=True)]
    return [_line(fields, r"\\*"), _line(notes), r"\addlinespace"]


def _set(field: str, shape: str) -> str:
    r"""Returns a field, in a paragraph with a ragged edge; `\raggedright` would change what ends the row."""
    return f"\\rightskip=0pt plus 1fil\\relax {field}" if field and shape == PARAGRAPH else field


def _line(fields: Sequence[str], end: str = r"\\") -> str:
    # A bracket at the beginning would be an option of the line before.
    line = " & ".join(fields)
    return f"{'{}' if line.startswith('[') else ''}{line} {end}"


def _field(value: Value) -> str:
    words = escaped(value.text)
    if value.code:
        return f"\\texttt{{{words}}}"
    return f"\\textbf{{{words}}}" if value.tone == "best" else words


FORMATS: Mapping[str, Callable[[Table], str]] = {"csv": to_csv, "tex": to_latex}
"""Ending of the file -> what writes it."""
