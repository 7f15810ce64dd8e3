"""Statistics over the cells of one grid: seeds are the unit, everything else is paired within them."""

from ablate.analysis.axes import Axis as Axis
from ablate.analysis.curves import Curves as Curves
from ablate.analysis.curves import read_curves as read_curves
from ablate.analysis.effects import Effect as Effect
from ablate.analysis.effects import LevelMean as LevelMean
from ablate.analysis.effects import effects as effects
from ablate.analysis.effects import level_means as level_means
from ablate.analysis.frontier import frontier as frontier
from ablate.analysis.intervals import Interval as Interval
from ablate.analysis.intervals import t_interval as t_interval
from ablate.analysis.scores import Scores as Scores
from ablate.analysis.scores import collect as collect
from ablate.analysis.scores import collect_images as collect_images
from ablate.analysis.significance import holm as holm
from ablate.analysis.significance import seeds_for as seeds_for
from ablate.analysis.significance import sign_flip_p as sign_flip_p
from ablate.analysis.significance import smallest_p as smallest_p
from ablate.analysis.study import WEIGHTS as WEIGHTS
from ablate.analysis.study import Arm as Arm
from ablate.analysis.study import CellRecord as CellRecord
from ablate.analysis.study import Study as Study
from ablate.analysis.study import read_study as read_study
