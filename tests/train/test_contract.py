"""The contract that losses and metrics of one's own are held to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ablate.plugins.load import forget_all, load
from ablate.plugins.source import source_of_file
from ablate.train.contract import inspect_plugin
from ablate.train.finding import Finding
from tests.test_docs import FILES

HEAD = "import torch\nfrom ablate.plugins import adversarial_loss, distortion, metric\n"


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Callable[[str], list[Finding]]]:
    def inspect(text: str) -> list[Finding]:
        (tmp_path / "mine.py").write_text(text)
        source = source_of_file(tmp_path / "mine.py")
        load(source)
        return [finding for _, finding in inspect_plugin(source)]

    yield inspect
    forget_all()


@pytest.mark.parametrize("kind", ["loss", "distortion", "penalty", "metric"])
def test_the_files_that_init_writes_keep_to_it(found: Callable[[str], list[Finding]], kind: str) -> None:
    findings = found(FILES[f"own_{kind}.py"])
    assert len(findings) >= 2
    assert {finding.verdict for finding in findings} == {"ok"}


LOSS = HEAD + "@adversarial_loss()\ndef own(*, margin: float = 1.0):\n    return lambda r, f: {}, lambda r, f: {}\n"
DISTORTION = HEAD + "@distortion()\ndef own():\n    return lambda a, b: {}\n"
METRIC = HEAD + "@metric(label='M', direction='{}')\ndef own(a, b):\n    return {}\n"
HINGE, GENERATOR = "((margin - r).relu() + (margin + f).relu()).mean()", "-f.mean()"
ERROR = "(a.double() - b).abs().mean((1, 2, 3))"
OF_REGIONS = METRIC.replace("{}'", "lower'").replace("own(a, b)", "own(a, b, region=None)")
WITHIN = "(a.double() - b).abs()[:, :, region].mean((1, 2))"


@pytest.mark.parametrize(
    ("text", "check", "said"),
    [
        (LOSS.format("(margin - r).exp().mean()", GENERATOR), "extreme logits", "r = -10000"),
        (LOSS.format("(r.detach() * r * margin).mean()", GENERATOR), "gradients", "discriminator"),
        (LOSS.format(HINGE, "f.mean()"), "pull", "1 at r = f = 0"),
        (LOSS.format("(-r).mean() + f.mean()", GENERATOR), "option margin", "no other value"),
        (LOSS.format("r - f", GENERATOR), "runs", "mine.py, line 5"),
        (LOSS.format("nothing", GENERATOR), "runs", "NameError"),
        (DISTORTION.format("((a - b) ** 2).mean().sqrt()"), "extremes", "equal images"),
        (DISTORTION.format("-((a - b) ** 2).mean()"), "order", "near"),
        (DISTORTION.format("((a - b.detach()) * (a - b)).mean()"), "gradients", "finite difference"),
        (METRIC.format("higher", ERROR), "order", "higher is better"),
        (METRIC.format("lower", ERROR + " + torch.rand(())"), "repeated", "asked again"),
        (METRIC.format("lower", "torch.zeros(3)"), "runs", "a number for each image"),
        (OF_REGIONS.format(ERROR), "region", "pixels outside"),
        (OF_REGIONS.format(WITHIN + " if region is not None else 2 * " + ERROR), "region", "another number"),
    ],
)
def test_what_breaks_it_is_found(found: Callable[[str], list[Finding]], text: str, check: str, said: str) -> None:
    problems = {finding.check: finding.found for finding in found(text) if finding.verdict == "problem"}
    assert said in problems[check]


def test_a_generator_that_learns_nothing_where_it_loses_is_a_warning(found: Callable[[str], list[Finding]]) -> None:
    saturated = "torch.nn.functional.logsigmoid(-4 * f).mean()"
    (warning,) = [finding for finding in found(LOSS.format(HINGE, saturated)) if finding.verdict == "warning"]
    assert "next to nothing" in warning.advice


def test_a_metric_that_takes_a_region_and_is_of_it_keeps_to_it(found: Callable[[str], list[Finding]]) -> None:
    findings = found(OF_REGIONS.format(f"{ERROR} if region is None else {WITHIN}"))
    assert {finding.verdict for finding in findings} == {"ok"}
    assert "region" in [finding.check for finding in findings]
