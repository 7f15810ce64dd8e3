from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ablate.report import Report, write_report
from ablate.store import Store
from tests.browser import Browser, browser, find_chromium
from tests.fabricated_store import Fabrication, fabricate

HOSTILE = "<script>alert(1)</script>"


@dataclass(frozen=True)
class Written:
    """A report of 12 arms and 2 seeds, one cell diverged and one failed, with a hostile level among the names."""

    store: Store
    report: Report
    html: str
    markdown: str


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    root = tmp_path_factory.mktemp("report")
    axes = {
        "loss.adversarial": ["vanilla", "lsgan", HOSTILE],
        "discriminator.scales": [1, 3],
        "loss.lambda_x": [12.0, 48.0],
    }
    excluded = [{"where": {"loss.adversarial": "minimax"}, "reason": "saturates & <b>stops</b>", "count": 4}]
    store = fabricate(root, Fabrication(axes=axes, status={5: "diverged", 16: "failed"}, excluded=excluded))
    report = write_report([store], root / "reports" / "made-up")
    return Written(store, report, report.html.read_text(), report.markdown.read_text())


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless chromium; without one the test is skipped, or fails where ABLATE_REQUIRE_BROWSER is set."""
    chromium = find_chromium()
    if chromium is None:
        reason = "no chromium here; Debian's is `apt-get install chromium`"
        if os.environ.get("ABLATE_REQUIRE_BROWSER"):
            pytest.fail(f"ABLATE_REQUIRE_BROWSER is set, and there is {reason}")
        pytest.skip(reason)
    with browser(chromium, tmp_path_factory.mktemp("chromium")) as driven:
        yield driven
