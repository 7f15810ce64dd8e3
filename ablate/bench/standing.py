"""What samples say of each contender: medians, ratios, verdict, and where it stands under the roofline."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.bench.case import Work
from ablate.bench.ceilings import FULL, Ceilings
from ablate.bench.clock import QUANTITIES, Quantity
from ablate.bench.names import BASELINE, CONTROL, Row, ours
from ablate.bench.ratios import Ratio, noise, paired_ratio, verdict
from ablate.bench.rounds import Samples, Temperature
from ablate.bench.work import Traffic

UNJUDGED = {BASELINE: "baseline", CONTROL: "control"}


@dataclass(frozen=True)
class Standing:
    """The samples of a case's contenders with what they are held against.

    Attributes:
        samples: of the baseline, its control and the others.
        judged: which of the two times verdicts are about.
        ceilings: of the machine.
        work: the least that any form must do.
        counted: what eager does.
    """

    samples: Samples
    judged: Quantity
    ceilings: Ceilings
    work: Work
    counted: Traffic

    def row(self, name: str) -> Row:
        """Returns what is recorded of a contender, every sample kept."""
        samples = self.samples
        within = noise(self._ratio(CONTROL, "cold", self.judged))
        seconds = self._median(name, "cold", self.judged)
        row = {
            "backend": name,
            "status": "measured",
            "rounds": samples.rounds,
            "ended": samples.ending,
            "warm_up_seconds": samples.warm_up_seconds,
            "steady": samples.steady,
            "calls_a_sample": samples.repeats[name],
            "samples_with_gaps": samples.gaps.get(name, 0),
            "rounds_off_clock": samples.unsteady_rounds,
            "megahertz": samples.megahertz if any(samples.megahertz) else None,
            "samples": self._table(lambda t, q: samples.seconds(name, t, q)),
            "median": self._table(lambda t, q: self._median(name, t, q)),
            "ratio": self._table(lambda t, q: _listed(self._ratio(name, t, q))),
            "judged": self.judged,
            "noise": None if math.isinf(within) else within,
            "verdict": UNJUDGED.get(name) or verdict(self._ratio(name, "cold", self.judged), within),
            "least_bytes": self.work.bytes,
            "least_flops": self.work.flops,
            "roofline": self.ceilings.floor(self.work) / seconds,
            "bytes_a_second": self.work.bytes / seconds,
            "eager_bytes": self.counted.bytes,
            "eager_launches": self.counted.launches,
            **self._limits(),
        }
        if row["roofline"] > FULL:
            said = f"{100 * row['roofline']:.0f} % of the roofline: bytes are miscounted, or inputs were not cold"
            row |= {"status": "error", "reason": said, "verdict": None}
        return row

    def _limits(self) -> Row:
        """Returns what speed-ups are to be read beside.

        `bytes_over_least` is how many times the least bytes eager moves: what leaving out traffic alone could give, if
        eager kept memory busy. `max_possible` is eager's time over the floor, which no form can exceed.
        """
        eager = self._median(BASELINE, "cold", self.judged)
        over = self.counted.bytes / self.work.bytes if self.work.bytes else None
        return {"bytes_over_least": over, "max_possible": eager / self.ceilings.floor(self.work)}

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
    judged = peers[0]["judged"]
    fastest = min(peers, key=lambda row: row["median"]["cold"][judged])
    for row in measured:
        if ours(row) and row["backend"] != CONTROL:
            ratio = paired_ratio(*(each["samples"]["cold"][judged] for each in (fastest, row)))
            row |= {"fastest_peer": fastest["backend"], "over_fastest_peer": _listed(ratio)}


def no_round(samples: Samples) -> Row:
    """Returns what is recorded of a contender whose case ended before its first round."""
    return {"status": "skipped", "reason": "time was up before its first round", "ended": samples.ending}


def _listed(ratio: Ratio) -> list[float | None]:
    return [ratio.median, ratio.low, ratio.high]
