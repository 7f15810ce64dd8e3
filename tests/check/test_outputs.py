import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ablate.check import Finding, GateOutcome, GateResult, Reason, write_baseline
from ablate.check.finding import Objection
from ablate.check.github import ANNOTATIONS, SUMMARY_BYTES, append_summary, commands
from ablate.check.junit import junit
from ablate.check.markdown import COMMENT_BYTES, markdown
from ablate.check.terminal import rows
from ablate.check.wording import advice, headline
from tests.check.judged import made, recorded, taken

RED = Finding("adversarial=hinge", "psnr", GateOutcome.regressed, "most on astronaut.png", 20.0, 19.5, -0.5, 0.02)
GREEN = Finding("adversarial=hinge", "ms_ssim", GateOutcome.passed, "", 0.9, 0.9, 0.0, 0.002)
PENDING = Objection(Reason.unfinished, "seed 0 is pending")
LOST = PENDING.finding("adversarial=lsgan", "psnr")
DOUBT = Finding("adversarial=lsgan", "fd_lite0_112", GateOutcome.inconclusive, "n = 2", 90.0, 91.0, 1.0, 5.0)
BETTER = Finding("adversarial=hinge", "bpp_actual", GateOutcome.improved, "", 0.2, 0.1, -0.1, 0.02, exact=True)


def verdict(*findings: Finding, mode: str = "exact") -> GateResult:
    return GateResult("ci", mode, findings, ("torch: 2.11.0 in the baseline, 2.15.0 now",))


def many(count: int, outcome: GateOutcome = GateOutcome.regressed) -> GateResult:
    return verdict(*(Finding(f"arm {n}", "psnr", outcome, "because", 20.0, 19.0, -1.0, 0.1) for n in range(count)))


def test_the_headline_says_what_decides_and_counts_the_rest():
    assert headline(verdict(RED, GREEN, LOST), False) == "ci: FAILED (1 pass, 1 regressed, 1 missing)"
    assert headline(verdict(GREEN, LOST), False) == "ci: UNDECIDED, and so not passed (1 pass, 1 missing)"
    assert headline(verdict(GREEN), False) == "ci: passed (1 pass)"
    assert headline(verdict(), False) == "ci: UNDECIDED, and so not passed (nothing was compared)"
    assert headline(verdict(GREEN, DOUBT, mode="stat"), True).startswith("ci: INCONCLUSIVE under --strict")


def test_the_worst_stands_first_in_a_table():
    table = rows(verdict(GREEN, DOUBT, LOST, RED), show_all=False)
    assert [row[0] for row in table] == ["regressed", "missing", "inconclusive", "pass"]
    assert table[0][3:] == ("20", "19.5", "-0.5", "0.02", "most on astronaut.png")


def test_an_arm_that_is_missing_as_a_whole_is_one_row():
    lost = [PENDING.finding("arm", metric) for metric in ("training", "psnr", "ms_ssim")]
    assert rows(verdict(*lost), show_all=False) == [
        ("missing", "arm", "all", "–", "–", "–", "–", "seed 0 is pending")
    ]  # fmt: skip


def test_of_many_findings_those_that_passed_are_left_out_unless_all_are_wanted():
    crowd = verdict(RED, *many(100, GateOutcome.passed).findings)
    assert len(rows(crowd, show_all=False)) == 1
    assert len(rows(crowd, show_all=True)) == 101


def test_an_improvement_says_how_to_keep_it():
    said = " ".join(advice(verdict(BETTER), "grids/ci.toml", "ci.json"))
    assert 'ablate baseline update grids/ci.toml --baseline ci.json --reason "why"' in said
    assert advice(verdict(GREEN), "grids/ci.toml", "ci.json") == ()


def test_a_missing_run_of_the_bench_is_not_answered_with_a_training():
    left_out = Objection(Reason.not_measured, "not in the run").finding("kernel lsgan_d", "native")
    assert advice(verdict(left_out), "grids/ci.toml", "ci.json") == ()
    (line,) = advice(verdict(LOST), "grids/ci.toml", "ci.json")
    assert line == "what was not run yet: ablate run grids/ci.toml"


def test_results_of_other_code_are_answered_with_a_fresh_run_and_no_update():
    stale = Objection(Reason.other_code, "seed 0: made by f00d, and this is beef").finding("arm", "psnr")
    (line,) = advice(verdict(stale), "grids/ci.toml", "ci.json")
    assert line.startswith("what this code does: ablate run grids/ci.toml --runs-dir FRESH")


def test_each_outcome_is_what_ci_systems_call_it():
    root = ElementTree.fromstring(junit(verdict(RED, GREEN, LOST, DOUBT, mode="stat"), strict=False))
    suite = root[0]
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    kinds = {(case.get("classname"), case.get("name")): case[0].tag for case in suite}
    assert kinds == {
        ("ci.adversarial=hinge", "psnr"): "failure",
        ("ci.adversarial=hinge", "ms_ssim"): "system-out",
        ("ci.adversarial=lsgan", "psnr"): "error",
        ("ci.adversarial=lsgan", "fd_lite0_112"): "skipped",
    }
    assert "20 became 19.5" in (suite[0][0].get("message") or "")


@pytest.mark.parametrize(("findings", "strict"), [([BETTER], False), ([DOUBT], True)])
def test_what_keeps_the_gate_shut_is_a_failure_of_the_junit_file_too(findings: list[Finding], strict: bool):
    root = ElementTree.fromstring(junit(verdict(*findings), strict))
    assert root.get("failures") == "1"


def test_names_that_xml_cannot_hold_are_escaped():
    odd = Finding('a<b>&"\x00\x1b]', "psnr", GateOutcome.regressed, "\ud800")
    root = ElementTree.fromstring(junit(verdict(odd), strict=False))
    assert root[0][0].get("classname") == 'ci.a<b>&"\ufffd\ufffd]'


def test_markdown_holds_the_table_and_escapes_what_would_break_it():
    odd = Finding("a|b <script>", "fd_lite0_112", GateOutcome.regressed, "two\nlines", 1.0, 2.0, 1.0, 0.1)
    text = markdown(verdict(odd), False, ("do this",))
    (row,) = [line for line in text.splitlines() if line.startswith("| regressed")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 9
    assert "&lt;script&gt;" in row
    assert "two lines" in row
    assert "- torch: 2.11.0 in the baseline" in text
    assert text.endswith("- do this\n")


def test_markdown_stays_within_its_limit_and_counts_what_it_leaves_out():
    text = markdown(many(5000), False, ())
    assert len(text.encode()) <= COMMENT_BYTES
    shown = text.count("\n| regressed")
    assert f"{5000 - shown} more rows" in text


def test_annotations_stay_within_what_github_shows_and_the_last_counts_the_rest(tmp_path: Path):
    path = tmp_path / "ci.json"
    write_baseline(path, taken(recorded(made(tmp_path))))
    lines = commands(many(30), False, path)
    assert len(lines) == ANNOTATIONS + 1
    assert lines[-1].startswith("::error title=ablate check::ci: FAILED (30 regressed); 21 more")


def test_an_arm_that_is_lost_as_a_whole_takes_one_annotation(tmp_path: Path):
    path = tmp_path / "ci.json"
    path.write_text("{}")
    lost = [PENDING.finding("arm", metric) for metric in ("training", "psnr", "ms_ssim")]
    first, last = commands(verdict(*lost), False, path)
    assert "arm, all: missing (seed 0 is pending)" in first
    assert "(3 missing)" in last


def test_an_annotation_points_at_its_arm_in_the_baseline(tmp_path: Path):
    path = tmp_path / "ci.json"
    write_baseline(path, taken(recorded(made(tmp_path))))
    first, _ = commands(verdict(RED), False, path)
    match = re.match(r"::error file=(.+),line=(\d+),title=adversarial=hinge%3A psnr regressed::(.+)", first)
    assert match is not None
    assert path.read_text().splitlines()[int(match[2]) - 1].strip() == '"adversarial=hinge": {'
    assert match[3].endswith("20 became 19.5 (-0.5, margin 0.02; most on astronaut.png)")


def test_an_annotation_is_one_line_whatever_it_says(tmp_path: Path):
    path = tmp_path / "ci.json"
    path.write_text("{}")
    first, _ = commands(verdict(Finding("a,b:c", "psnr", GateOutcome.missing, "100 %\r\n::warning::x")), False, path)
    assert "title=a%2Cb%3Ac%3A psnr missing" in first
    assert "100 %25%0D%0A::warning" in first
    assert len(first.splitlines()) == 1


def test_a_green_gate_is_a_notice(tmp_path: Path):
    path = tmp_path / "ci.json"
    path.write_text("{}")
    assert commands(verdict(GREEN), False, path) == ["::notice title=ablate check::ci: passed (1 pass)"]


def test_the_step_summary_is_added_to_and_never_outgrows_its_limit(tmp_path: Path):
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    append_summary(path, many(30), False, ())
    assert path.read_text().startswith("before\n### ci: FAILED")
    path.write_text("x" * (SUMMARY_BYTES - 5_000))
    append_summary(path, many(300), False, ())
    assert SUMMARY_BYTES - 5_000 < path.stat().st_size <= SUMMARY_BYTES
    full = path.stat().st_size
    append_summary(path, many(30), False, ())
    assert path.stat().st_size == full


def test_a_verdict_is_plain_data():
    json.dumps([each.outcome for each in verdict(RED).findings])
