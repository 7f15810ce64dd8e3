"""A runner in a process of its own, which a test may kill: its arguments are root, steps, behaviours.

PRETENDED_EXECUTION holds settings of [execution], as JSON.
"""

import json
import os
import sys
from pathlib import Path

from tests.execute.pretend import Printed, make_plan, run_pretended

if __name__ == "__main__":
    root, steps, *behaviours = sys.argv[1:]
    settings = json.loads(os.environ.get("PRETENDED_EXECUTION", "{}"))
    plan = make_plan(*behaviours, steps=int(steps))
    try:
        sys.exit(run_pretended(plan, Path(root), Printed(), settings=settings))
    except ValueError as error:
        sys.exit(f"refused: {error}")
