"""Times `ablate report` over 1,000 finished cells, and how fluid its page is; it shall take less than 30 s on 2 cores.

    python tests/bench/report_of_1000_cells.py

Fabricates the results of 200 arms with 5 seeds in a temporary directory, which takes longer than the report, and runs
the command as a user does, in a process of its own. Prints seconds of wall clock and of CPU, the sizes of the pages,
and where there is a chromium how long opening, sorting and filtering take and how evenly the page scrolls.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.browser import browser, find_chromium
from tests.fabricated_store import Fabrication, drawn_images, fabricate

AXES = {
    "loss.adversarial": ["vanilla", "lsgan", "hinge", "minimax", "ra_lsgan"],
    "discriminator.scales": [1, 2, 3, 4],
    "loss.lambda_x": [1.5 * 2.0**power for power in range(10)],
}
THOUSAND = Fabrication("thousand", axes=AXES, seeds=range(5), log_points=100, images=drawn_images((176, 256), count=3))
SCROLL = """new Promise((done) => {
  const gaps = [];
  let [last, top] = [performance.now(), 0];
  const step = () => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    scrollTo({ top: (top += 160), behavior: "instant" });
    if (top < document.documentElement.scrollHeight) requestAnimationFrame(step);
    else done(gaps.sort((a, b) => a - b));
  };
  requestAnimationFrame(step);
})"""
PRESS = """(() => {
  const began = performance.now();
  %s;
  document.body.offsetHeight;
  return performance.now() - began;
})()"""
SORT = "document.querySelectorAll('#table-cells th button')[6].click()"
FILTER = (
    "const i = document.querySelector('#table-cells [data-filter]'); i.value = %r; i.dispatchEvent(new Event('input'))"
)


def main() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        root = Path(directory)
        fabricate(root, THOUSAND)
        command = [sys.executable, "-m", "ablate", "report", "thousand", "--runs-dir", str(root / "runs")]
        began = time.perf_counter()
        subprocess.run([*command, "--reports-dir", str(root / "reports")], check=True, stdout=subprocess.DEVNULL)
        wall, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"ablate report, 1,000 finished cells: {wall:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of CPU")
        for page in sorted((root / "reports" / "thousand").glob("report.*")):
            print(f"{page.name}: {page.stat().st_size / 1e6:.2f} MB")
        if chromium := find_chromium():
            read(chromium, root)


def read(chromium: str, root: Path) -> None:
    (root / "profile").mkdir()
    with browser(chromium, root / "profile") as page:
        began = time.perf_counter()
        page.open(root / "reports" / "thousand" / "report.html")
        print(f"opened in {time.perf_counter() - began:.2f} s")
        gaps = page.evaluate(SCROLL)
        median, late = (gaps[int(share * (len(gaps) - 1))] for share in (0.5, 0.95))
        print(f"scrolling: a frame every {median:.0f} ms, 95% within {late:.0f} ms ({len(gaps)} frames)")
        print(f"sorting the cells: {max(page.evaluate(PRESS % SORT) for _ in range(3)):.0f} ms")
        filtered = [page.evaluate(PRESS % (FILTER % words)) for words in ("l", "lsgan", "lsgan 4", "")]
        print(f"filtering the cells: {max(filtered):.0f} ms")
        assert page.problems == [], page.problems


if __name__ == "__main__":
    main()
