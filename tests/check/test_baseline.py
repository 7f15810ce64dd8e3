import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import stdev

import numpy as np
import pytest

from ablate.analysis import non_inferior_p
from ablate.check import IncomparableError, read_baseline, write_baseline
from ablate.check.baseline import updating
from ablate.check.margins import ALIKE_FACTOR, LEAST
from tests.check.judged import CODE, PROBE, made, move, recorded, taken

SEEDS = (0, 1, 2, 3, 4, 5)


def test_what_is_written_is_read_back(tmp_path: Path):
    baseline = taken(recorded(made(tmp_path, status={0: "diverged"})))
    path = tmp_path / "deep" / "ci.json"
    write_baseline(path, baseline)
    assert read_baseline(path) == baseline


def test_what_all_arms_share_stands_once(tmp_path: Path):
    path = tmp_path / "ci.json"
    write_baseline(path, taken(recorded(made(tmp_path))))
    content = json.loads(path.read_text())
    assert content["settings"]["loss.lambda_x"] == 12.0
    assert content["arms"]["adversarial=hinge"]["settings"] == {"loss.adversarial.name": "hinge"}
    assert content["protocol"]["fd_lite0_112"]["patch"] == 64
    assert content["arms"]["adversarial=hinge"]["cells"]["0"]["protocol"] == {}
    assert set(content["arms"]["adversarial=hinge"]["cells"]["0"]["images"]["psnr"]) == {"wave-0.png", "wave-1.png"}
    assert content["probe"] == PROBE
    assert content["made"]["fingerprint"] == CODE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "no baseline of schema 1"),
        ('{"schema": 1}', "cannot be read as a baseline"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused_in_a_sentence(tmp_path: Path, text: str, said: str):
    (tmp_path / "ci.json").write_text(text)
    with pytest.raises(ValueError, match=said):
        read_baseline(tmp_path / "ci.json")


def test_a_field_changed_by_hand_is_named(tmp_path: Path):
    path = tmp_path / "ci.json"
    write_baseline(path, taken(recorded(made(tmp_path))))
    content = json.loads(path.read_text())
    content["metrics"] = {}
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="metrics: Dictionary should have at least 1 item"):
        read_baseline(path)


@pytest.mark.parametrize("margin", ["nan%", "inf%", -0.1, "much"])
def test_a_margin_that_anything_would_pass_is_refused(tmp_path: Path, margin: float | str):
    path = tmp_path / "ci.json"
    write_baseline(path, taken(recorded(made(tmp_path))))
    content = json.loads(path.read_text())
    content["metrics"]["psnr"]["margin"] = margin
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="percentage"):
        read_baseline(path)


def test_a_baseline_that_is_not_there_is_answered_with_the_command_that_writes_it(tmp_path: Path):
    with pytest.raises(ValueError, match="`ablate baseline update GRID --baseline"):
        read_baseline(tmp_path / "none.json")


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_makes_a_baseline_incomparable(tmp_path: Path, number: str):
    path = tmp_path / "ci.json"
    write_baseline(path, taken(recorded(made(tmp_path))))
    path.write_text(path.read_text().replace('"alpha": 0.05', f'"alpha": {number}'))
    with pytest.raises(IncomparableError, match="not finite; take it from the version history"):
        read_baseline(path)


def test_a_baseline_of_another_schema_is_incomparable_and_another_file_is_a_mistake(tmp_path: Path):
    path = tmp_path / "ci.json"
    path.write_text('{"schema": 2}')
    with pytest.raises(IncomparableError, match=r"no baseline of schema 1 \(found: 2\)"):
        read_baseline(path)
    path.write_text("{}")
    with pytest.raises(ValueError, match="no baseline of schema 1") as raised:
        read_baseline(path)
    assert not isinstance(raised.value, IncomparableError)


def test_updates_at_once_keep_every_reason(tmp_path: Path):
    now, path = recorded(made(tmp_path)), tmp_path / "ci.json"
    start = threading.Barrier(8)

    def update(number: int) -> None:
        start.wait()
        with updating(path) as target:
            previous = read_baseline(target) if target.exists() else None
            write_baseline(target, taken(now, previous=previous, reason=f"reason {number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(update, range(8)))
    assert sorted(change.reason for change in read_baseline(path).history) == [f"reason {n}" for n in range(8)]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["ci.json", "images", "runs"], "no lock is left"


def test_a_link_stays_a_link_and_a_file_keeps_its_mode(tmp_path: Path):
    now, path = recorded(made(tmp_path)), tmp_path / "real" / "ci.json"
    (tmp_path / "link.json").symlink_to("real/ci.json")
    for mode in (None, 0o640):
        with updating(tmp_path / "link.json") as target:
            write_baseline(target, taken(now))
        assert (tmp_path / "link.json").is_symlink()
        assert mode is None or path.stat().st_mode & 0o777 == mode
        path.chmod(0o640)
    assert read_baseline(tmp_path / "link.json") == read_baseline(path)


def test_the_history_grows_and_every_reason_stays(tmp_path: Path):
    now = recorded(made(tmp_path))
    first = taken(now)
    second = taken(now, previous=first)
    assert [change.reason for change in second.history] == ["first", "first"]
    assert second.history[-1].fingerprint == CODE


def test_a_reason_without_a_word_is_refused(tmp_path: Path):
    from ablate.check.update import updated

    with pytest.raises(ValueError, match="--reason is empty"):
        updated(
            recorded(made(tmp_path)), reason=" ", mode=None, previous=None, alike=(), declared={}, alpha=0.05
        )  # fmt: skip


def test_exact_margins_are_measured_and_then_stay(tmp_path: Path):
    store, other, third = (made(tmp_path / name) for name in "abc")
    move(other, 0, "fd_lite0_112", 2.5)
    move(third, 1, "fd_lite0_112", -5.0)
    now = recorded(store)
    measured = taken(now, alike=[recorded(other), recorded(third)])
    assert measured.metrics["fd_lite0_112"].margin == ALIKE_FACTOR * 5.0
    assert "largest difference (5) to 2 runs" in measured.metrics["fd_lite0_112"].cause
    largest = max(arm.cells[0].values["psnr"] or 0.0 for arm in now.arms.values())
    assert LEAST * largest <= float(measured.metrics["psnr"].margin) < 1.1 * LEAST * largest
    assert "0.2% of the largest value" in measured.metrics["psnr"].cause
    assert taken(now, previous=measured).metrics == measured.metrics
    assert taken(now).metrics["psnr"].margin == 0


def test_runs_of_other_cells_are_not_alike(tmp_path: Path):
    now = recorded(made(tmp_path / "a"))
    with pytest.raises(ValueError, match="--alike has other cells"):
        taken(now, alike=[recorded(made(tmp_path / "b", seeds=(0, 1)))])


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_unfinished_cells_make_no_baseline(tmp_path: Path, status: str):
    with pytest.raises(ValueError, match=f"adversarial=hinge seed=0 \\({status}"):
        taken(recorded(made(tmp_path, status={1: status})))


def test_cells_of_other_code_make_no_baseline(tmp_path: Path):
    with pytest.raises(ValueError, match="made by"):
        taken(recorded(made(tmp_path), code="beefbeefbeef"))


def test_a_grid_in_which_all_diverged_makes_no_baseline(tmp_path: Path):
    with pytest.raises(ValueError, match="would judge nothing"):
        taken(recorded(made(tmp_path, status={0: "diverged", 1: "diverged"})))


def test_declared_margins_come_before_measured_ones(tmp_path: Path):
    baseline = taken(recorded(made(tmp_path, seeds=SEEDS)), "stat", declared={"psnr": 0.3, "bpp_actual": "1%"})
    assert (baseline.metrics["psnr"].margin, baseline.metrics["bpp_actual"].margin) == (0.3, "1%")
    assert "declared" in baseline.metrics["psnr"].cause


def test_a_measured_margin_is_what_its_seeds_can_rule_out(tmp_path: Path):
    """The margin is 2 digits rounded up, so the test that it promises has at least the power that it promises."""
    now = recorded(made(tmp_path, axes={"loss.adversarial": ["lsgan"]}, seeds=SEEDS))
    margin = taken(now, "stat").metrics["psnr"].margin
    assert isinstance(margin, float)
    assert taken(now, "stat").metrics["bpp_bound"].cause == "no seed moves it, so it is compared exactly"
    values = [cell.values["psnr"] or 0.0 for cell in now.arms["adversarial=lsgan"].cells.values()]
    draws = np.random.default_rng(0).normal(0, 2**0.5 * stdev(values), (4000, len(SEEDS)))
    power = np.mean([non_inferior_p(row, margin, "higher") <= 0.05 for row in draws.tolist()])
    assert 0.79 <= power < 0.86


@pytest.mark.parametrize("seeds", [[0], [0, 1], [0, 1, 2, 3]])
def test_few_seeds_have_no_margin_that_they_could_hold(tmp_path: Path, seeds: list[int]):
    with pytest.raises(ValueError, match="run the grid with 5 or more"):
        taken(recorded(made(tmp_path, seeds=seeds)), "stat")


def test_without_a_mode_a_processor_repeats_and_a_gpu_is_compared_by_seeds(tmp_path: Path):
    cpu = recorded(made(tmp_path / "cpu", seeds=SEEDS))
    gpu = recorded(made(tmp_path / "gpu", seeds=SEEDS, environments={n: {"device": "cuda"} for n in range(12)}))
    assert taken(cpu, None).mode == "exact"  # type: ignore[arg-type]
    assert taken(gpu, None).mode == "stat"  # type: ignore[arg-type]
    assert taken(cpu, None, previous=taken(gpu, None)).mode == "stat"  # type: ignore[arg-type]
