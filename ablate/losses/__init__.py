"""Loss functions of the compressive GAN and the objective that puts them together."""

from ablate.losses.adversarial_loss import AdversarialLoss as AdversarialLoss
from ablate.losses.adversarial_loss import Memory as Memory
from ablate.losses.by_name import MultiScaleLoss as MultiScaleLoss
from ablate.losses.by_name import adversarial as adversarial
from ablate.losses.by_name import distortion as distortion
from ablate.losses.by_name import penalty as penalty
from ablate.losses.matching import feature_matching as feature_matching
from ablate.losses.objective import Objective as Objective
from ablate.losses.objective import Parts as Parts
from ablate.losses.penalized import Penalty as Penalty
from ablate.losses.penalized import PenaltyInputs as PenaltyInputs
