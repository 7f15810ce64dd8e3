"""The typed, frozen settings of one cell, and its identity."""

from ablate.codecs.agustsson.settings import ModelQuirks as ModelQuirks
from ablate.codecs.agustsson.settings import QuantizerSettings as QuantizerSettings
from ablate.codecs.settings import Model as Model
from ablate.config.cell import Cell as Cell
from ablate.config.cell import Warmup as Warmup
from ablate.config.changed import changed as changed
from ablate.config.data import Data as Data
from ablate.config.evaluation import Evaluation as Evaluation
from ablate.config.loss import Loss as Loss
from ablate.config.taught import NOTHING_TAUGHT as NOTHING_TAUGHT
from ablate.config.taught import Taught as Taught
from ablate.config.train import Adam as Adam
from ablate.config.train import ScheduledAdam as ScheduledAdam
from ablate.config.train import Start as Start
from ablate.config.train import Train as Train
from ablate.discriminators.settings import DiscriminatorQuirks as DiscriminatorQuirks
from ablate.discriminators.settings import DiscriminatorSettings as DiscriminatorSettings
from ablate.settings import NOT_IDENTITY as NOT_IDENTITY
from ablate.settings import RESULTS_VERSION as RESULTS_VERSION
from ablate.settings import Settings as Settings
from ablate.settings import content_sha256 as content_sha256
from ablate.terms import ResolveEach as ResolveEach
from ablate.terms import Term as Term
from ablate.terms import term_registry as term_registry
