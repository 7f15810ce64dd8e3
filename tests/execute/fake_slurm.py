"""A scheduler that knows as much of Slurm as submitit asks for, and runs tasks of arrays as processes of this machine.

    python -m tests.execute.fake_slurm COMMAND ARGUMENTS...

`install` writes sbatch, srun, scancel, scontrol and sacct into a directory for PATH. Each task has a process that
watches over it: it starts the batch script, warns it before its time is over (a minute is FAKE_SLURM_MINUTE seconds),
ends it then, and starts it again where it was queued again. `preempt` does what Slurm does with PreemptMode=REQUEUE.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMANDS = ("sbatch", "srun", "scancel", "scontrol", "sacct")
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT")
TURN_SECONDS = 0.05
KILL_SECONDS = 5.0
"""How long after SIGTERM a task that is preempted or cancelled is killed."""


def install(directory: Path, minute: float = 60.0) -> dict[str, str]:
    """Returns the environment in which commands of Slurm are these."""
    programs = directory / "bin"
    programs.mkdir(parents=True)
    for name in COMMANDS:
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.execute.fake_slurm {name} "$@"\n')
        program.chmod(0o755)
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": path,
        "FAKE_SLURM": str(directory),
        "FAKE_SLURM_MINUTE": str(minute),
    }


def home() -> Path:
    return Path(os.environ["FAKE_SLURM"])


def tasks(directory: Path) -> dict[str, str]:
    """Returns the state of every task."""
    return {path.stem: path.read_text() for path in sorted(directory.glob("*.state"))}


def scripts(directory: Path) -> list[str]:
    """Returns the batch scripts that were submitted."""
    return [path.read_text() for path in sorted(directory.glob("*.sh"))]


def preempt(directory: Path, task: str) -> None:
    """Lets a task be preempted: it gets SIGTERM, is killed if it does not end, and is queued again."""
    (directory / f"{task}.preempt").touch()


def sbatch(arguments: Sequence[str]) -> int:
    (script,) = arguments
    text = Path(script).read_text()
    number = 100 + len(list(home().glob("*.sh")))
    (home() / f"{number}.sh").write_text(text)
    array = re.search(r"^#SBATCH --array=0-(\d+)", text, re.M)
    names = [f"{number}_{index}" for index in range(int(array[1]) + 1)] if array else [str(number)]
    for name in names:
        (home() / f"{name}.state").write_text("PENDING")
        subprocess.Popen(
            [sys.executable, "-m", "tests.execute.fake_slurm", "watch", name, script],
            cwd=ROOT,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    print(f"Submitted batch job {number}")
    return 0


def watch(arguments: Sequence[str]) -> int:
    """Is the life of a task, from its place in the queue to its end."""
    name, script = arguments
    text = (home() / f"{name.partition('_')[0]}.sh").read_text()
    minutes = int(re.search(r"^#SBATCH --time=(\d+)", text, re.M)[1])
    warning, before = re.search(r"^#SBATCH --signal=(\w+)@(\d+)", text, re.M).groups()
    minute = float(os.environ["FAKE_SLURM_MINUTE"])
    main, _, index = name.partition("_")
    given = {"SLURM_JOB_ID": name.replace("_", ""), "SLURM_PROCID": "0", "SLURM_NTASKS": "1"}
    if index:
        given |= {"SLURM_ARRAY_JOB_ID": main, "SLURM_ARRAY_TASK_ID": index}
    while (state := attempt(name, script, given, minutes * minute, minute * int(before) / 60, warning)) == "REQUEUED":
        say(name, "PENDING")
    say(name, state)
    return 0


def attempt(name: str, script: str, given: dict[str, str], seconds: float, before: float, warning: str) -> str:
    """Runs the batch script once and returns what became of it."""
    if read(name) == "CANCELLED":
        return "CANCELLED"
    say(name, "RUNNING")
    process = subprocess.Popen(["bash", script], env=os.environ | given, start_new_session=True)
    began, warned, ended, again = time.monotonic(), False, 0.0, False
    while process.poll() is None:
        time.sleep(TURN_SECONDS)
        lasted = time.monotonic() - began
        if lasted > seconds - before and not warned:
            warned = True
            to_all(process.pid, signal.Signals[f"SIG{warning}"])
        preempted = taken(name, "preempt")
        again = again or preempted
        if not ended and (preempted or read(name) == "CANCELLED"):
            ended = time.monotonic()
            to_all(process.pid, signal.SIGTERM)
        if lasted > seconds or (ended and time.monotonic() - ended > KILL_SECONDS):
            to_all(process.pid, signal.SIGKILL)
    if read(name) == "CANCELLED":
        return "CANCELLED"
    if taken(name, "requeue") or again:
        return "REQUEUED"
    return "COMPLETED" if process.returncode == 0 else "FAILED"


def to_all(leader: int, number: signal.Signals) -> None:
    """Signals all processes of a task but the shell of its batch script, as Slurm does."""
    children = subprocess.run(["ps", "-o", "pid=", "-s", str(leader)], capture_output=True, text=True, check=False)
    for pid in map(int, children.stdout.split()):
        if pid != leader or number == signal.SIGKILL:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


def srun(arguments: Sequence[str]) -> int:
    rest = list(arguments)
    output = ""
    while rest[0].startswith("--"):
        option = rest.pop(0)
        if option in ("--output", "--error"):
            output = rest.pop(0)
    names = {"%A": "SLURM_ARRAY_JOB_ID", "%a": "SLURM_ARRAY_TASK_ID", "%j": "SLURM_JOB_ID", "%t": "SLURM_PROCID"}
    for word, name in names.items():
        output = output.replace(word, os.environ.get(name, ""))
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.execvp(rest[0], rest)


def scancel(arguments: Sequence[str]) -> int:
    (job,) = arguments
    for name, state in tasks(home()).items():
        if (name == job or name.startswith(f"{job}_")) and state not in ENDED:
            say(name, "CANCELLED")
    return 0


def scontrol(arguments: Sequence[str]) -> int:
    action, job = arguments
    assert action == "requeue"
    (home() / f"{job}.requeue").touch()
    return 0


def sacct(arguments: Sequence[str]) -> int:
    print("JobID|State|NodeList")
    asked = [job for option, job in itertools.pairwise(arguments) if option == "-j"]
    for name, state in tasks(home()).items():
        if name.partition("_")[0] in asked:
            print(f"{name}|{state}|here")
    return 0


def say(name: str, state: str) -> None:
    path = home() / f"{name}.state"
    path.with_suffix(".new").write_text(state)
    path.with_suffix(".new").replace(path)
    with open(home() / "history.jsonl", "a") as file:
        file.write(json.dumps([name, state]) + "\n")


def history(directory: Path) -> list[list[str]]:
    """Returns all changes of states, in their order."""
    path = directory / "history.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def read(name: str) -> str:
    return (home() / f"{name}.state").read_text()


def taken(name: str, what: str) -> bool:
    """Says whether somebody asked for it, once."""
    path = home() / f"{name}.{what}"
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


if __name__ == "__main__":
    command, *given_arguments = sys.argv[1:]
    sys.exit(globals()[command](given_arguments))
