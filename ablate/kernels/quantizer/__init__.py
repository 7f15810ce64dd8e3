"""The quantizer of a training by one call into C."""

from ablate.kernels.quantizer.native import FastQuantizer as FastQuantizer
from ablate.kernels.quantizer.native import disagreement as disagreement
from ablate.kernels.quantizer.native import lacking as lacking
