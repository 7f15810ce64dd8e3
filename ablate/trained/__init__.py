"""A finished codec as a tool: the identity of its weights, and images of any size to files and back."""

from ablate.trained.codec import TrainedCodec
from ablate.trained.weights import WEIGHTS, Weights, load, model_id

__all__ = ["WEIGHTS", "TrainedCodec", "Weights", "load", "model_id"]
