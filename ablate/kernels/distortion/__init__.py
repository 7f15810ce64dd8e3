"""A weighted sum of MSE, L1 and Charbonnier of one pair of images, with its gradient, in one pass over them."""

from ablate.kernels.backend import Backend
from ablate.kernels.compiled import compiled
from ablate.kernels.distortion import closed_form, eager, native
from ablate.kernels.distortion.spec import OPERATOR as OPERATOR
from ablate.kernels.gpu import in_triton
from ablate.kernels.library import in_c

BACKENDS = (
    Backend("distortion", "eager", eager.build),
    Backend("distortion", "explicit", closed_form.build),
    compiled("distortion", closed_form.build),
    in_c("distortion", native.build),
    in_triton("distortion"),
)
