"""The training objective: both players' losses as a weighted sum, each computed by the fastest code that agrees."""

from ablate.objective.choice import Choice as Choice
from ablate.objective.objective import Objective as Objective
from ablate.objective.objective import Parts as Parts
from ablate.objective.terms import distortion_of as distortion_of
from ablate.records.declared import Kernels as Kernels
