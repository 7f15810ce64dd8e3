"""One player's adversarial loss over all scales of patch logits, with its gradient by every logit."""

from ablate.kernels.adversarial import closed_form, eager, native
from ablate.kernels.adversarial.spec import OPERATOR as OPERATOR
from ablate.kernels.backend import Backend
from ablate.kernels.compiled import compiled
from ablate.kernels.gpu import in_triton
from ablate.kernels.library import in_c

BACKENDS = (
    Backend("adversarial", "eager", eager.build),
    Backend("adversarial", "explicit", closed_form.build),
    compiled("adversarial", closed_form.build),
    in_c("adversarial", native.build),
    in_triton("adversarial"),
)
