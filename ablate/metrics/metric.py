"""A metric: one object that measuring, tables, grid files, gate and reports read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from ablate.metrics.bounds import UNBOUNDED, Bounds

if TYPE_CHECKING:
    from ablate.networks.weights_file import WeightsFile

LAST_OF_QUALITY = 70
"""Place of metrics of quality that say nothing else; rates come after them."""


Direction = Literal["higher", "lower"]


class TooSmallError(ValueError):
    """An image, or a region of one, that a metric is undefined on, as none of its windows fits into it."""


class Scope(StrEnum):
    """Subject of a metric, which decides what its function is given.

    image: uint8 originals and reconstructions (N, 3, H, W); returns a tensor (N,).
    set: `PairedFeatures` of all patches; returns a `SetScore`.
    rate: a `CodedImage`; returns a number.

    A function of images or rates that can also be of a region of the image takes it, bool (H, W), as `region`; of sets
    it is given the patches that lie in their image's region as a whole.
    """

    image = "image"
    set = "set"
    rate = "rate"


@dataclass(frozen=True)
class Needs:
    """Conditions under which a metric is defined.

    Attributes:
        smallest_side: height and width, in pixels, that an image has at least.
        symbols: whether the codec must send symbols, as a standard codec does not.
        weights: returns the weights files that a user brings along, by the key of their sha256 in a record.
        extractor: name and tap of the feature extractor.
        patches: fewest patches of the whole set.
        images: fewest images that these are of.
        enough_patches: from how many on its bias falls like 1 / n; None where there is none.
    """

    smallest_side: int = 1
    symbols: bool = False
    weights: Callable[[], Mapping[str, WeightsFile]] | None = None
    extractor: tuple[str, int] | None = None
    patches: int = 2
    images: int = 1
    enough_patches: int | None = None


@dataclass(frozen=True)
class Metric:
    """Metric with everything that is known of it before anything is measured.

    Attributes:
        name: key in records and grid files.
        label: text in figures and tables.
        unit: "dB", "bit/pixel" or "" for a pure number.
        direction: which values are better; None where a figure describes, and nothing is won by it.
        function: computes it; see `Scope`.
        decimals: how many tell arms apart without feigning precision.
        place: where it stands among others for a reader, from 0; figures with few panels show the first.
        beside: further columns of a table of images, by name: functions of what `function` returned.
        stands_in_for: name of the metric that images may be too small for; measured where a set has such images.
        bounds: least and largest value that there is; intervals stay within them.
        default: whether an evaluation that names no metrics measures it.
        regional: whether it can be of the kept region of images alone.
    """

    name: str
    label: str
    unit: str
    direction: Direction | None
    formula: str
    source: str
    function: Callable[..., Any]
    scope: Scope = Scope.image
    decimals: int = 4
    place: int = LAST_OF_QUALITY
    needs: Needs = Needs()
    beside: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict, hash=False)
    stands_in_for: str | None = None
    bounds: Bounds = UNBOUNDED
    default: bool = True
    regional: bool = False

    @property
    def by_choice(self) -> bool:
        """Whether it is measured only where an evaluation says so: by name, or by extractor and tap."""
        return not self.default or self.learned or self.needs.extractor is not None

    @property
    def learned(self) -> bool:
        """Whether it looks at whole images through weights that a user brings along."""
        return self.needs.weights is not None

    @property
    def better(self) -> Direction:
        """The direction of a metric that arms are judged by, as one that has none never is."""
        assert self.direction is not None, f"no direction of {self.name} is better"
        return self.direction

    @property
    def sign(self) -> float:
        """Factor that turns values so that more is better."""
        return -1.0 if self.direction == "lower" else 1.0

    @property
    def best(self) -> Callable[..., Any]:
        """Function that picks the best of several values."""
        return min if self.direction == "lower" else max

    def require_weights(self) -> None:
        """Refuses a metric whose weights are not there.

        Raises:
            ValueError: says where they are looked for and how to get them.
        """
        for file in self._weights().values():
            file.find()

    def weights_facts(self) -> dict[str, str]:
        """Returns which weights it looks through, for its record: the digits that their sha256 was checked for."""
        return {key: file.sha256 for key, file in self._weights().items()}

    def _weights(self) -> Mapping[str, WeightsFile]:
        return self.needs.weights() if self.needs.weights else {}
