"""1 - MS-SSIM with its gradient; the equations of the fast forms are at the head of ms_ssim.c."""

from ablate.kernels.backend import Backend
from ablate.kernels.gpu import in_triton
from ablate.kernels.library import in_c
from ablate.kernels.ms_ssim import closed_form, eager, native
from ablate.kernels.ms_ssim.spec import OPERATOR as OPERATOR

BACKENDS = (
    Backend("ms_ssim", "eager", eager.build),
    Backend("ms_ssim", "channels_last", closed_form.build),
    in_c("ms_ssim", native.build),
    in_triton("ms_ssim"),
)
