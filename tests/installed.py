"""What an installed `ablate` has to do away from its repository; `tox -e wheel-py312` runs it in an empty directory.

Looks for every file of the package, compiles every kernel in C, trains, reports, and writes a plugin.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

GRID = """\
schema = 1
name = "installed"

[base]
preset = "tiny"
train = { steps = 4, warmup_steps = 2 }
data = { crop = 32, batch_size = 2 }

[axes]
"loss.adversarial" = ["vanilla", "lsgan"]
"""


def main() -> None:
    """Ends with an exit code other than 0 at the first thing that is missing or fails."""
    package, source = Path(str(files("ablate"))), Path(__file__).resolve().parents[1] / "ablate"
    assert package != source, f"{package} is the repository's own; install the wheel, and clear PYTHONPATH"
    left_out = {path for path in _files(source) if not (package / path).is_file()}
    assert not left_out, f"the package lacks {sorted(map(str, left_out))}"
    _compile(package)
    Path("installed.toml").write_text(GRID)
    for command in (
        "--version", "--help", "losses lsgan", "plan installed.toml --resolved",
        "run installed.toml --no-progress --no-references", "report installed.toml --figures pdf --latex",
        "init --plugin own_loss.py", "doctor --plugin own_loss.py",
    ):  # fmt: skip
        subprocess.run([sys.executable, "-m", "ablate", *command.split()], check=True, stdout=subprocess.DEVNULL)
    for written in ("report.html", "tables/arms.tex", "figures/tradeoff-page.pdf"):
        assert (Path("reports/installed") / written).is_file(), f"no {written}"


def _files(root: Path) -> set[Path]:
    return {path.relative_to(root) for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def _compile(package: Path) -> None:
    from ablate.kernels.library import compiler, missing

    if compiler() is None:
        return
    for path in (package / "kernels").glob("*/*.c"):
        reason = missing(path.stem)
        assert reason is None, f"{path.stem}: {reason}"


if __name__ == "__main__":
    main()
