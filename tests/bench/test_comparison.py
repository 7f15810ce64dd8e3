import pytest

from ablate.bench.comparison import compare


def row(backend, ratio, **changes):
    about = {"kernel": "ms_ssim", "direction": "forward+backward", "shape": "4x3x256x256", "dtype": "float32"}
    told = {"device": "cpu", "backend": backend, "peer": None, "status": "measured", "judged": "device"}
    return {**about, **told, "ratio": {"cold": {"device": ratio, "call": [1.0, 1.0, 1.0]}}, **changes}


def run(*rows):
    return {"rows": [row("eager", [1.0, 1.0, 1.0]), *rows]}


REFERENCE = run(row("native", [10.0, 9.5, 10.5]))


@pytest.mark.parametrize(
    ("ratio", "change", "regressed"),
    [
        ([10.2, 9.0, 11.0], "same", False),
        ([9.0, 8.5, 9.4], "same", False),  # lower for certain, but by less than machines differ
        ([5.0, 4.0, 6.0], "slower", True),
        ([5.0, 1.0, 12.0], "ambiguous", False),
        ([5.0, None, None], "ambiguous", False),
        ([20.0, 18.0, 22.0], "faster", False),
    ],
)
def test_a_ratio_that_fell_beyond_margin_and_intervals_is_a_regression(ratio, change, regressed):
    (compared,) = compare(run(row("native", ratio)), REFERENCE)
    assert (compared.change, compared.regressed) == (change, regressed)


def test_milliseconds_are_never_compared():
    slow_machine = run(row("native", [10.0, 9.5, 10.5], median={"cold": {"device": 10.0, "call": 20.0}}))
    fast_machine = run(row("native", [10.0, 9.5, 10.5], median={"cold": {"device": 0.1, "call": 0.2}}))
    assert compare(slow_machine, fast_machine)[0].change == "same"


def test_a_backend_that_no_longer_agrees_is_a_regression_with_its_reason():
    refused = row("native", None, status="failed", reason="the loss is 1, not 2")
    (compared,) = compare(run(refused), REFERENCE)
    assert compared.regressed
    assert str(compared).endswith("native: failed, was 10.00x [9.50, 10.50] eager: the loss is 1, not 2")


def test_a_backend_without_a_time_is_missing_and_no_regression():
    skipped = row("native", None, status="skipped", reason="no time")
    assert [one.change for one in compare(run(skipped), REFERENCE)] == ["missing"]
    assert [one.change for one in compare(run(), REFERENCE)] == ["missing"]


def test_peers_torch_and_the_baseline_are_not_judged():
    others = row("piq", [0.5, 0.4, 0.6], peer="piq 0.8.0"), row("torch-compile", [2.0, 1.9, 2.1])
    reference = run(*others, row("native", [10.0, 9.5, 10.5]))
    assert [one.key[-1] for one in compare(reference, reference)] == ["native"]


def test_runs_with_nothing_in_common_are_refused():
    other = {"rows": [{**row("native", [10.0, 9.5, 10.5]), "shape": "1x3x256x256"}]}
    with pytest.raises(ValueError, match="have no backend of a kernel at the same shape"):
        compare(run(), other)
