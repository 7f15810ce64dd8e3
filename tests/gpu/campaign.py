"""All that a GPU is asked, in one go of at most 25 minutes: python -m tests.gpu.campaign.

Five parts, in order: the tests marked gpu; the loss kernels against their goals; the training step in every way that
it can be taken; several cells at once on one GPU; and as many cells of a real study as there is time for, with their
report. Each has a time limit of its own, the last all that is left. After each part its figures are written, and a page
of all that is known by then; what a part wrote before it was cut off stays. Run it again: parts that are done are not
done again, the others go on where they were.

It needs CUDA, PyTorch with Triton and what `pip install ablate` brings, downloads nothing, and says first what is
missing. `--dry` goes the same ways on a CPU, with the smallest of everything; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablate.atomic import write_bytes, write_json
from tests.gpu import page
from tests.gpu.parts import PARTS, ROOT, UNFINISHED, Part, Plan, python

MINUTES = 25.0
GRACE_SECONDS = 20.0
"""For a command to save what it has, once it is told to stop."""
RESERVE_SECONDS = 30.0
"""Of the whole, for starting and for writing."""
DONE, CUT_OFF, FAILED, NOT_RUN = "done", "cut off", "failed", "not run"


@dataclass
class Campaign:
    """A run of parts, one after another, within a time."""

    plan: Plan
    parts: Sequence[Part] = PARTS
    minutes: float = MINUTES
    say: Callable[[str], None] = lambda text: print(text, flush=True)
    began: float = field(default_factory=time.monotonic)

    def run(self) -> bool:
        """Runs every part that is not done, and writes after each; says whether all are."""
        place = self.plan.place
        place.mkdir(parents=True, exist_ok=True)
        state = recorded(place)
        for index, part in enumerate(self.parts):
            if state.get(part.name, {}).get("status") == DONE:
                self.say(f"{part.name}: done before")
                continue
            limit = self._limit(index)
            self.say(f"{part.name}: at most {max(0, limit):.0f} s")
            state[part.name] = found = self._run(part, limit)
            self.say(f"{part.name}: {found['status']}" + (f", {found['said']}" if found["said"] else ""))
            write_json(place / "campaign.json", {"machine": self.plan.machine, "parts": state})
            write_bytes(place / "campaign.md", page.markdown(place, self.plan.machine, state).encode())
        return all(state[part.name]["status"] == DONE for part in self.parts)

    def _limit(self, index: int) -> float:
        """Returns a part's own limit, or less where the whole has less; the last part gets all that is left."""
        left = 60 * self.minutes - RESERVE_SECONDS - (time.monotonic() - self.began)
        return left if index == len(self.parts) - 1 else min(self.parts[index].seconds, left)

    def _run(self, part: Part, limit: float) -> dict[str, Any]:
        """Runs the commands of a part; returns how it ended, in how many seconds, and what there is to say."""
        missing = [name for name in part.needs if name in self.plan.machine["missing"]]
        if missing and not self.plan.dry:
            return {"status": NOT_RUN, "said": f"{', '.join(missing)} is not installed", "seconds": 0.0}
        if limit <= GRACE_SECONDS:
            return {"status": NOT_RUN, "said": "no time was left", "seconds": 0.0}

        # The programs, each until its share of the limit is over.
        began, said, status = time.monotonic(), [], DONE
        for words, until, open_ended in part.commands(self.plan, limit):
            code = self._command(part.name, words, until * limit - GRACE_SECONDS - (time.monotonic() - began))
            if code is None and not open_ended:
                status = CUT_OFF if status == DONE else status
                said.append(f"{_told(words)} was stopped by its time limit")
            elif code == UNFINISHED:
                status = CUT_OFF if status == DONE else status
            elif code:
                status = FAILED
                said.append(f"{_told(words)} ended with exit code {code}, see {part.name}.log")

        # What they wrote.
        if incomplete := part.finish(self.plan):
            status = CUT_OFF if status == DONE else status
            said.append(incomplete)
        return {"status": status, "said": "; ".join(said), "seconds": round(time.monotonic() - began, 1)}

    def _command(self, name: str, words: Sequence[str], seconds: float) -> int | None:
        """Runs a program, with what it prints in a log; returns its exit code, or None where it had to be stopped."""
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONPATH": path, "MPLBACKEND": "agg"}
        with open(self.plan.place / f"{name}.log", "ab") as log:
            # In a session of its own, so that all that it started can be told to stop.
            process = subprocess.Popen(words, stdout=log, stderr=log, cwd=ROOT, env=environment, start_new_session=True)
            try:
                return process.wait(max(1.0, seconds))
            except subprocess.TimeoutExpired:
                return None
            finally:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a program and all that it started: told first, and killed where it does not go."""
    for number, patience in ((signal.SIGINT, GRACE_SECONDS), (signal.SIGKILL, None)):
        if process.poll() is None:
            try:
                os.killpg(process.pid, number)
                process.wait(patience)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


def _told(words: Sequence[str]) -> str:
    """Returns a command as one would type its beginning."""
    return " ".join(["python", *words[1:4]])


def recorded(place: Path) -> dict[str, Any]:
    """Returns how the parts of an earlier run ended, by name."""
    file = place / "campaign.json"
    return dict(json.loads(file.read_text("utf-8"))["parts"]) if file.exists() else {}


def machine(dry: bool) -> Mapping[str, Any]:
    """Returns what this machine has, looked at by a program of its own, since CUDA stays open in one that looks."""
    command = python("-m", "tests.gpu.machine")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"gpu": "none, a dry run"} if dry else found


def obstacle(found: Mapping[str, Any]) -> str | None:
    """Says why nothing can be run here at all, or None."""
    absent = [name for name in found["missing"] if name not in ("pytest", "triton")]
    if absent:
        return (
            f"{', '.join(absent)} cannot be imported here; nothing is downloaded: carry wheels along (pip download), "
            "and install them with pip install --no-index --find-links DIR"
        )
    return None if found["gpu"] else f"torch {found['torch']} sees no GPU here; --dry tries the campaign on a CPU"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=[part.name for part in PARTS], help="only these, in their order")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of the whole (default: 25)")
    parser.add_argument("--reports-dir", type=Path, default=ROOT / "reports", help="where figures are written")
    parser.add_argument("--runs-dir", type=Path, default=ROOT / "runs", help="where cells are kept")
    parser.add_argument("--dry", action="store_true", help="on a CPU, with the smallest of everything")
    options = parser.parse_args()
    found = machine(options.dry)
    if (reason := obstacle(found)) is not None:
        print(reason, file=sys.stderr)
        return 2
    device = "cpu" if options.dry else "cuda"
    plan = Plan(options.reports_dir.resolve(), found, device, options.runs_dir.resolve())
    parts = [part for part in PARTS if not options.parts or part.name in options.parts]
    whole = Campaign(plan, parts, options.minutes).run()
    print(f"written: {plan.place / 'campaign.md'}")
    return 0 if whole else UNFINISHED


if __name__ == "__main__":
    sys.exit(main())
