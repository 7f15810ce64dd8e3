"""Loss functions of the compressive GAN and the objective that puts them together."""

from ablate.losses.adversarial_loss import AdversarialLoss as AdversarialLoss
from ablate.losses.matching import feature_matching as feature_matching
from ablate.losses.objective import Objective as Objective
from ablate.losses.objective import Parts as Parts
