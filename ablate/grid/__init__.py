"""Grid files: TOML to points, with every mistake told at once."""

from ablate.grid.grid import Grid as Grid
from ablate.grid.grid import Header as Header
from ablate.grid.grid import Point as Point
from ablate.grid.includes import Include as Include
from ablate.grid.mistakes import GridError as GridError
from ablate.grid.mistakes import Mistake as Mistake
from ablate.grid.patterns import Excluded as Excluded
from ablate.grid.presets import preset_names as preset_names
from ablate.grid.presets import preset_text as preset_text
from ablate.grid.presets import system_names as system_names
from ablate.grid.read import read_grid as read_grid
from ablate.grid.sections import Budget as Budget
from ablate.grid.sections import Compare as Compare
from ablate.grid.sections import Design as Design
from ablate.grid.sections import Execution as Execution
from ablate.grid.sections import Reference as Reference
from ablate.grid.sections import Seeds as Seeds
from ablate.grid.sections import Tune as Tune
