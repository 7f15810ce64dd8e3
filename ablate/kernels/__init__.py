"""Fast forms of the losses that training spends its time on, each held to its definition in `ablate.losses`."""

from ablate.kernels.agreement import disagreement as disagreement
from ablate.kernels.backend import Backend as Backend
from ablate.kernels.backend import Function as Function
from ablate.kernels.backend import Gradients as Gradients
from ablate.kernels.backend import Tolerance as Tolerance
from ablate.kernels.backend import Unsupported as Unsupported
from ablate.kernels.differentiable import differentiable as differentiable
from ablate.kernels.operators import OPERATORS as OPERATORS
from ablate.kernels.operators import Operator as Operator
from ablate.kernels.operators import backends as backends
