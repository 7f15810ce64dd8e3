import json
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import torch

import ablate.bench.comparison

QUICK = ("bench", "--kernel", "lsgan_d", "--shape", "1x3x64x64", "--device", "cpu")


@pytest.fixture
def quick_ceilings(monkeypatch):
    import ablate.bench.session
    from tests.bench.invented import CEILINGS

    monkeypatch.setattr(ablate.bench.session, "measure_ceilings", lambda *_, **__: CEILINGS)


def test_it_ends_within_its_budget_with_a_table_and_the_json(ablate_in, tmp_path, quick_ceilings):
    began = time.monotonic()
    result = ablate_in(*QUICK, "--backend", "explicit", "--budget", "9s", "--json", "out.json")
    assert time.monotonic() - began < 9 + 2
    assert result.exit_code == 0, result.output
    assert "lsgan_d 1x3x64x64 float32, forward+backward, cpu" in result.output
    assert any(line.startswith("eager again") for line in result.output.splitlines())
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["ceilings"]["copy"] == 1e9
    assert document["environment"]["torch"]
    assert {row["backend"] for row in document["rows"]} >= {"eager", "eager again", "explicit"}
    assert all(len(row["samples"]["cold"]["device"]) == row["rounds"] for row in document["rows"] if "samples" in row)


def test_a_budget_too_small_for_anything_leaves_no_summary_and_a_sentence(ablate_in, tmp_path):
    result = ablate_in(*QUICK, "--budget", "0.01s", "--summary", "out.json")
    assert result.exit_code == 2
    assert "the budget ended before; give a longer --budget" in result.output
    assert not (tmp_path / "out.json").exists()


def test_rows_are_kept_under_the_runs_and_can_be_compared_with(ablate_in, tmp_path, quick_ceilings):
    assert ablate_in(*QUICK, "--backend", "explicit", "--budget", "5s").exit_code == 0
    (journal,) = (tmp_path / "runs/bench").glob("*-cpu.jsonl")
    result = ablate_in(*QUICK, "--backend", "explicit", "--budget", "5s", "--against", journal)
    assert "against the reference, by ratios to eager:" in result.output
    assert "lsgan_d forward+backward 1x3x64x64 float32 cpu, explicit:" in result.output


@pytest.mark.parametrize("fell", [True, False])
def test_a_ratio_that_fell_has_the_exit_code_of_a_regression(ablate_in, tmp_path, quick_ceilings, monkeypatch, fell):
    monkeypatch.setattr(ablate.bench.comparison, "compare", lambda *_: [SimpleNamespace(regressed=fell)])
    (tmp_path / "reference.json").write_text('{"schema": 1, "rows": []}')
    result = ablate_in(*QUICK, "--backend", "explicit", "--budget", "2s", "--against", "reference.json")
    assert "against the reference" in result.output
    assert (result.exit_code == 1) == fell


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said_in_one_line(ablate_in):
    result = ablate_in("bench", "--device", "cuda")
    assert result.exit_code == 2
    assert result.output.startswith("error: there is no GPU here (torch ")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--kernel", "ms_sim"), "did you mean 'ms_ssim'?"),
        (("--backend", "nativ"), "did you mean 'native'?"),
        (("--dtype", "float23"), "did you mean 'float32'?"),
        (("--device", "gpu"), "unknown device 'gpu' (there is: auto, cpu, cuda)"),
        (("--shape", "8x3x256"), "such as 8x3x256x256, not '8x3x256'"),
        (("--budget", "soon"), "--budget is a time such as 60s, 10min or 1h, not 'soon'"),
        (("--budget", "0s"), "--budget of no time measures nothing"),
        (("--against", "nowhere.json"), "nowhere.json"),
    ],
)
def test_a_mistake_is_a_sentence_and_nothing_is_measured(ablate_in, tmp_path, arguments, said):
    result = ablate_in("bench", *arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert not (tmp_path / "runs").exists()


def test_json_to_the_terminal_is_nothing_but_json(ablate_in, quick_ceilings):
    result = ablate_in(*QUICK, "--backend", "explicit", "--budget", "3s", "--json", "-")
    assert json.loads(result.stdout)["rows"]


def test_an_interruption_keeps_what_was_measured(tmp_path):
    command = [sys.executable, "-m", "ablate", *QUICK, "--kernel", "r1", "--budget", "90s", "--json", "out.json"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("eager again"):
            break
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert "ended by an interruption; what was measured is kept" in rest
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["ended"] == "interrupted"
    assert any(row["status"] == "measured" for row in document["rows"])
