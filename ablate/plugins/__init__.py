"""Plugins: how losses, metrics, codecs and the like of one's own are defined, and how a program finds them."""

from ablate.plugins.decorators import adversarial_loss as adversarial_loss
from ablate.plugins.decorators import codec as codec
from ablate.plugins.decorators import data_source as data_source
from ablate.plugins.decorators import discriminator as discriminator
from ablate.plugins.decorators import distortion as distortion
from ablate.plugins.decorators import executor as executor
from ablate.plugins.decorators import metric as metric
from ablate.plugins.decorators import penalty as penalty
from ablate.plugins.decorators import tracker as tracker
