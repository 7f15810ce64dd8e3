"""A runner in a process of its own, which a test may kill: its arguments are root, steps, behaviours."""

import sys
from pathlib import Path

from tests.execute.pretend import Printed, make_plan, run_pretended

if __name__ == "__main__":
    root, steps, *behaviours = sys.argv[1:]
    sys.exit(run_pretended(make_plan(*behaviours, steps=int(steps)), Path(root), Printed()))
