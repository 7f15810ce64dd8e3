"""Finds a thing by name: one mechanism, of which every room makes its own catalogues."""

from ablate.registry.catalogue import Catalogue as Catalogue
from ablate.registry.catalogue import catalogues as catalogues
from ablate.registry.catalogue import defining as defining
from ablate.registry.entry import REQUIRED as REQUIRED
from ablate.registry.entry import Computed as Computed
from ablate.registry.entry import Entry as Entry
from ablate.registry.functions import Extension as Extension
from ablate.registry.functions import Registry as Registry
from ablate.registry.names import AbsentError as AbsentError
from ablate.registry.names import OutOfRangeError as OutOfRangeError
from ablate.registry.names import UnknownNameError as UnknownNameError
from ablate.registry.names import UnknownOptionError as UnknownOptionError
from ablate.registry.names import chosen as chosen
from ablate.registry.names import unknown as unknown
from ablate.registry.origin import Origin as Origin
from ablate.registry.origin import absent as absent
from ablate.registry.origin import being_defined as being_defined
from ablate.registry.origin import place_of as place_of
