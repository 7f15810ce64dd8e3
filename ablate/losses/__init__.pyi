# What the package exports; read by type checkers, and by lazy_loader when a name is first asked for.
from .adversarial_loss import AdversarialLoss as AdversarialLoss
from .adversarial_loss import Memory as Memory
from .by_name import adversarial as adversarial
from .by_name import distortion as distortion
from .by_name import penalty as penalty
from .matching import feature_matching as feature_matching
from .multi_scale import MultiScaleLoss as MultiScaleLoss
from .penalized import Penalty as Penalty
from .penalized import PenaltyInputs as PenaltyInputs
