"""The mean absolute differences of all feature maps, summed with one weight, with their gradients."""

from ablate.kernels.backend import Backend
from ablate.kernels.compiled import compiled
from ablate.kernels.feature_matching import closed_form, eager, native
from ablate.kernels.feature_matching.spec import OPERATOR as OPERATOR
from ablate.kernels.gpu import in_triton
from ablate.kernels.library import in_c

BACKENDS = (
    Backend("feature_matching", "eager", eager.build),
    Backend("feature_matching", "explicit", closed_form.build),
    compiled("feature_matching", closed_form.build),
    in_c("feature_matching", native.build, source="distortion"),
    in_triton("feature_matching"),
)
