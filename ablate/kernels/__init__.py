"""Fast forms of the losses that training spends its time on, each held to its definition in `ablate.losses`.

An operator has a folder: its facts in `spec`, the definition by autograd in `eager`, the derivatives written out in
`closed_form`, and the same in C (`native`) and in Triton (`triton`).
"""

from ablate.kernels.agreement import disagreement as disagreement
from ablate.kernels.backend import Backend as Backend
from ablate.kernels.backend import Function as Function
from ablate.kernels.backend import Gradients as Gradients
from ablate.kernels.backend import Tolerance as Tolerance
from ablate.kernels.differentiable import KernelLoss as KernelLoss
from ablate.kernels.differentiable import differentiable as differentiable
from ablate.kernels.operators import OPERATORS as OPERATORS
from ablate.kernels.operators import backends as backends
