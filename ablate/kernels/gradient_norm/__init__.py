"""A penalty on the discriminators' gradient at some points, with its derivative by that gradient.

The gradient itself comes from autograd, with the graph that a penalty is differentiated through; only the reduction to
a scalar and its derivative by the gradient are computed here.
"""

from ablate.kernels.backend import Backend
from ablate.kernels.compiled import compiled
from ablate.kernels.gradient_norm import closed_form, eager, native
from ablate.kernels.gradient_norm.spec import OPERATOR as OPERATOR
from ablate.kernels.library import in_c

BACKENDS = (
    Backend("gradient_norm", "eager", eager.build),
    Backend("gradient_norm", "explicit", closed_form.build),
    compiled("gradient_norm", closed_form.build),
    in_c("gradient_norm", native.build),
)
