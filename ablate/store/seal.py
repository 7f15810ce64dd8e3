"""Files of an entry that are not as they were sealed when it was finished.

A look costs a stat a file: what has the sealed size, and was not written after the record, is believed; what was
written later is hashed. A thorough look hashes everything, and finds what the disk did, too.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ablate.records import AlteredError, Damage, DamageKind, Measurement, RecordError, Result, Status, read
from ablate.store import checkpoint
from ablate.store.artefacts import RECORD, sha256
from ablate.store.entry import Entry

COPY_NANOSECONDS = 60 * 10**9
"""How much later than its record a file may have got its place in the directory: a store that was copied with its
times has them in any order."""
DERIVED = "eval/"
"""What was computed from the weights."""
_TRAIN_AGAIN = "copy it back, or delete the entry's directory and run the grid again"

Owner = Callable[[str], str | None]
"""Which entry a sha256 belongs to, where it is known."""


def unknown(_sha256: str) -> None:
    """Knows no other entry."""


@dataclass(frozen=True)
class Inspection:
    """What was found of an entry: damages, whether its record has no seal, how many files and bytes were hashed."""

    damages: tuple[Damage, ...] = ()
    unsealed: bool = False
    files: int = 0
    bytes: int = 0


def inspect(entry: Entry, *, thorough: bool = False, owner: Owner = unknown) -> Inspection:
    """Looks at an entry, its measurements, and what `ablate eval` left in it.

    Args:
        entry: a cell, a warm-up, or another directory with a result.json.
        thorough: hash every file.
        owner: tells whose a file is that was put in another's place.
    """
    looks = [_Look(entry, thorough, owner)]
    looks += [_Look(place, thorough, owner, entry) for place in entry.measured_places()]
    looks += [_Look(Entry(path, entry.id), thorough, owner) for path in entry.evaluations()]
    for look in looks:
        look.at_all()
    if thorough:
        looks[0].at_checkpoints()
    return Inspection(
        tuple(damage for look in looks for damage in look.damages),
        any(look.unsealed for look in looks),
        sum(look.files for look in looks),
        sum(look.bytes for look in looks),
    )


def altered(entry: Entry) -> tuple[Damage, ...]:
    """Returns the damages that forbid to believe an entry: a file that is not there any more is none of them."""
    return tuple(each for each in inspect(entry).damages if each.kind is not DamageKind.missing)


def require_whole(entry: Entry, result: Result, names: Sequence[str]) -> None:
    """Hashes files of an entry that are about to be read; those that are not there, or were never sealed, are left out.

    Raises:
        AlteredError: for the first that is not as it was sealed.
    """
    look = _Look(entry, thorough=True, owner=unknown)
    for name in names if result.seal else ():
        if name in result.artefacts:
            look.at_file(name, result)
    for damage in look.damages:
        if damage.kind is not DamageKind.missing:
            raise AlteredError(damage)


def unusable(entry: Entry) -> tuple[Damage, ...]:
    """Returns what forbids to go on from a warm-up or to keep a measurement; of a warm-up the weights are hashed.

    Cells take nothing but its weights from a warm-up, and a measurement is all made anew at little cost.
    """
    if not (entry.path / "warmup.json").exists():
        look = _Look(entry, thorough=True, owner=unknown, cell=Entry(entry.path.parents[1]))
        look.at_all()
        return tuple(look.damages)
    needed = (entry.path / RECORD, entry.weights)
    look = _Look(entry, thorough=False, owner=unknown)
    look.at_all()
    with suppress(RecordError):
        result = entry.result()
        if result and result.seal and entry.weights.name in result.artefacts:
            look.at_file(entry.weights.name, result)
    return tuple(dict.fromkeys(damage for damage in look.damages if damage.path in needed))


def begin_again(entry: Entry) -> str | None:
    """Deletes what a damaged warm-up or measurement left, so that it can be made anew, and says why; None where whole.

    Only for one who holds the claim.
    """
    damages = unusable(entry)
    if not damages:
        return None
    for path in {entry.path / RECORD, entry.weights, *(damage.path for damage in damages)}:
        path.unlink(missing_ok=True)
    shutil.rmtree(entry.path / DERIVED, ignore_errors=True)
    return f"{damages[0]} (so that it is made anew now)"


def remedy(entry: Entry, name: str) -> str:
    """Says what can be done about a file of an entry that is not as it was."""
    if (entry.path / "measurement.json").exists():
        return "`ablate measure` makes it anew from the weights"
    if entry.path.parent.name == "evaluations":
        return "`ablate eval --force` makes it anew, and nothing needs it: delete its directory"
    if name.startswith(DERIVED) and (entry.path / "cell.json").exists():
        return "`ablate measure` makes it anew from the weights"
    if (entry.path / "warmup.json").exists():
        return "`ablate run` trains the warm-up anew where a cell still needs it"
    if name.startswith(DERIVED):
        return "measure anew with --force"
    if name == "weights.pt":
        return _TRAIN_AGAIN
    return f"no measurement makes it anew: {_TRAIN_AGAIN}"


def refused(path: Path, error: RecordError) -> Damage:
    """Returns the damage of a record that could not be read."""
    if isinstance(error, AlteredError):
        return error.damage
    detail, _, again = str(error).removeprefix(f"{path} ").rpartition("; ")
    return Damage(path, DamageKind.unreadable, detail, again)


@dataclass
class _Look:
    """A look at one directory with a record of its own; `cell` is the one that a measurement lies in."""

    entry: Entry
    thorough: bool
    owner: Owner
    cell: Entry | None = None
    damages: list[Damage] = field(default_factory=list)
    unsealed: bool = False
    files: int = 0
    bytes: int = 0

    def at_all(self) -> None:
        """Looks at the record, at all files that it names, and at how the last attempt ended."""
        path = self.entry.path / RECORD
        try:
            record = read(Measurement if self.cell else Result, path, self.entry.id)
        except RecordError as error:
            self.damages.append(refused(path, error))
        else:
            self.unsealed = record is not None and record.seal is None
            if record is not None and record.seal is not None:
                if isinstance(record, Measurement) and self.cell:
                    self._at_place(record, self.cell)
                written = os.stat(path)
                for name in record.artefacts:
                    self.at_file(name, record, written)
        self._at_last_attempt()

    def at_file(self, name: str, record: Result, written: os.stat_result | None = None) -> None:
        """Looks at a file that the record names; hashes it where no time is given that the record was written at."""
        self._compare(name, record.sizes.get(name, -1), record.artefacts[name], written)

    def at_checkpoints(self) -> None:
        """Looks at the states of a training that is not finished, or that others go on from."""
        for path in self.entry.checkpoints():
            self.files += 1
            self.bytes += path.stat().st_size
            self.damages += [damage] if (damage := checkpoint.damage(path, self.entry.path.name)) else []

    def _at_place(self, record: Measurement, cell: Entry) -> None:
        """Looks whether a measurement is one of this cell's weights."""
        trained = cell.readable_result()
        if record.of != cell.path.name:
            self._add(RECORD, DamageKind.copied, f"it was measured of {record.of}")
        elif trained and trained.status is Status.done and record.weights != trained.artefacts.get("weights.pt"):
            self._add(RECORD, DamageKind.copied, "it was measured of other weights than the cell has")

    def _at_last_attempt(self) -> None:
        """Looks at the end of the last attempt, which is told after the result, and at what had been printed then."""
        attempt = self.entry.last_attempt()
        if attempt is None:
            return
        path = attempt.path / "exit.json"
        try:
            end = attempt.exit()
        except RecordError as error:
            self.damages.append(refused(path, error))
            return
        if end is not None and end.log_sha256 is not None and end.log_bytes is not None:
            name = str(attempt.log_path.relative_to(self.entry.path))
            self._compare(name, end.log_bytes, end.log_sha256, os.stat(path), grows=True)

    def _compare(
        self, name: str, size: int, expected: str, written: os.stat_result | None, *, grows: bool = False
    ) -> None:
        """Compares a file with its size, and with its hash where the look is thorough or the file may have changed.

        Args:
            name: relative path.
            size: bytes that were sealed; negative where that is not known.
            expected: sha256 of so many bytes.
            written: of the record that has the hash.
            grows: whether more bytes may follow.
        """
        path = f"{self.entry.path}/{name}"
        try:
            found = os.stat(path)
            self.files += 1
            if not stat.S_ISREG(found.st_mode):
                self._add(name, DamageKind.unreadable, "it is no file")
            elif found.st_size < size:
                said = f"it has {found.st_size:,} bytes, and {size:,} were sealed"
                self._hash(name, expected, found.st_size, (DamageKind.cut, said))
            elif self._doubtful(found, -1 if grows else size, written):
                self._hash(name, expected, size if grows else found.st_size)
        except (FileNotFoundError, NotADirectoryError):
            self._add(name, DamageKind.missing, "it is not there any more")
        except OSError as error:
            self._add(name, DamageKind.unreadable, error.strerror or str(error))

    def _doubtful(self, found: os.stat_result, size: int, written: os.stat_result | None) -> bool:
        """Says whether a file must be hashed: it is asked for, or it was written or put there after its record."""
        if self.thorough or written is None or (size >= 0 and found.st_size != size):
            return True
        moved = found.st_ctime_ns > written.st_ctime_ns + COPY_NANOSECONDS
        return moved or found.st_mtime_ns > written.st_mtime_ns

    def _hash(self, name: str, expected: str, count: int, otherwise: tuple[DamageKind, str] | None = None) -> None:
        """Compares a hash; bytes that are not those of another entry either are edited, or what is told."""
        digest = sha256(self.entry.path / name, count)
        self.bytes += count
        if digest == expected:
            return
        if whose := self.owner(digest):
            self._add(name, DamageKind.copied, f"it is that of {whose}")
        else:
            edited = DamageKind.edited, f"its sha256 is {digest[:12]}…, and {expected[:12]}… was sealed"
            self._add(name, *(otherwise or edited))

    def _add(self, name: str, kind: DamageKind, detail: str) -> None:
        self.damages.append(Damage(self.entry.path / name, kind, detail, remedy(self.entry, name)))
