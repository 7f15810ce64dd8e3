"""Times `ablate --help`; it shall take less than half a second.

    python tests/bench/help_time.py

Prints the median and the fastest of several runs, each in a process of its own, beside an empty Python process.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 15


def seconds(*arguments: str) -> list[float]:
    """Returns how long Python takes with these arguments, several times."""
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        taken.append(time.perf_counter() - began)
    return taken


def main() -> None:
    for name, arguments in (("python -c pass", ("-c", "pass")), ("ablate --help", ("-m", "ablate", "--help"))):
        taken = seconds(*arguments)
        print(f"{name}: median {statistics.median(taken):.3f} s, best {min(taken):.3f} s")


if __name__ == "__main__":
    main()
