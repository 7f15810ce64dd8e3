"""The results of a case: medians, ratios, verdicts, and the place under the roofline."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.bench.case import Work
from ablate.bench.ceilings import FULL, Ceilings
from ablate.bench.clock import QUANTITIES, Quantity
from ablate.bench.names import BASELINE, CONTROL, Row, is_own
from ablate.bench.ratios import Ratio, noise, paired_ratio, verdict
from ablate.bench.rounds import Samples, Temperature
from ablate.bench.traffic import Traffic

FIXED_VERDICTS = {BASELINE: "baseline", CONTROL: "control"}


@dataclass(frozen=True)
class CaseSummary:
    """The samples of a case, with the least work of any form and the work that eager was counted to do."""

    samples: Samples
    primary: Quantity
    ceilings: Ceilings
    work: Work
    counted: Traffic

    def row(self, name: str) -> Row:
        """Returns the record of a candidate, every sample kept."""
        samples, floor = self.samples, self.ceilings.floor(self.work)
        if not samples.rounds:
            reason = "time was up before its first round"
            return {"backend": name, "status": "skipped", "reason": reason, "ended": samples.stopped_by}
        within = noise(self._ratio(CONTROL, "cold", self.primary))
        eager, seconds = (self._median(each, "cold", self.primary) for each in (BASELINE, name))
        roofline = floor / seconds
        row = {
            "backend": name,
            "status": "measured",
            "rounds": len(samples.rounds),
            "ended": samples.stopped_by,
            "warm_up_seconds": samples.warm_up_seconds,
            "steady": samples.steady,
            "calls_a_sample": samples.repeats[name],
            "samples_with_gaps": samples.gaps(name),
            "rounds_off_clock": samples.unsteady_rounds,
            "megahertz": samples.megahertz if any(samples.megahertz) else None,
            "samples": self._table(lambda t, q: samples.seconds(name, t, q)),
            "median": self._table(lambda t, q: self._median(name, t, q)),
            "ratio": self._table(lambda t, q: self._ratio(name, t, q)),
            "judged": self.primary,
            "noise": None if math.isinf(within) else within,
            "verdict": FIXED_VERDICTS.get(name) or verdict(self._ratio(name, "cold", self.primary), within),
            "least_bytes": self.work.bytes,
            "least_flops": self.work.flops,
            "roofline": roofline,
            "bytes_a_second": self.work.bytes / seconds,
            "eager_bytes": self.counted.bytes,
            "eager_launches": self.counted.launches,
            # What leaving out traffic alone could give, if eager kept memory busy; and what no form can exceed.
            "bytes_over_least": self.counted.bytes / self.work.bytes if self.work.bytes else None,
            "max_possible": eager / floor,
        }
        if roofline > FULL:
            reason = f"{100 * roofline:.0f} % of the roofline: bytes are miscounted, or inputs were not cold"
            row |= {"status": "error", "reason": reason, "verdict": None}
        return row

    def _median(self, name: str, temperature: Temperature, quantity: Quantity) -> float:
        return statistics.median(self.samples.seconds(name, temperature, quantity))

    def _ratio(self, name: str, temperature: Temperature, quantity: Quantity) -> Ratio:
        eager, own = (self.samples.seconds(each, temperature, quantity) for each in (BASELINE, name))
        return paired_ratio(eager, own)

    def _table(self, value: Callable[[Temperature, Quantity], Any]) -> dict[str, dict[str, Any]]:
        """Returns a value for each temperature that was measured and either time."""
        return {t: {quantity: value(t, quantity) for quantity in QUANTITIES} for t in self.samples.temperatures}


def beside_peers(rows: Sequence[Row]) -> None:
    """Adds to this package's rows how many times as fast as the fastest peer they are, paired as ratios to eager are.

    The fastest is that of the least median in the best of its configurations: plain, channels_last or compiled.
    """
    measured = [row for row in rows if row["status"] == "measured"]
    peers = [row for row in measured if row["peer"] is not None]
    if not peers:
        return
    primary = peers[0]["judged"]
    fastest = min(peers, key=lambda row: row["median"]["cold"][primary])
    for row in measured:
        if is_own(row) and row["backend"] != CONTROL:
            ratio = paired_ratio(*(each["samples"]["cold"][primary] for each in (fastest, row)))
            row |= {"fastest_peer": fastest["backend"], "over_fastest_peer": ratio}
