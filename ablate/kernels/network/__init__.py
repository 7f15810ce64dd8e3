"""Networks of convolutions by one call into C: what a module computes is read from its own `forward`, by torch.fx.

`plan` finds the layers that C has, `native` computes them and their gradients, `fast` puts what is left behind them,
and `proof` holds them to the module in float64.
"""

from ablate.kernels.network.fast import FastForward as FastForward
from ablate.kernels.network.fast import by_definition as by_definition
from ablate.kernels.network.fast import in_place_of as in_place_of
from ablate.kernels.network.fast import of_both as of_both
from ablate.kernels.network.native import lacking as lacking
from ablate.kernels.network.plan import Plan as Plan
from ablate.kernels.network.plan import planned as planned
from ablate.kernels.network.proof import disagreement as disagreement
