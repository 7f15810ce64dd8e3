"""Grid files mutated in their text: each is read or refused with a line, in seconds, and nothing else happens."""

from __future__ import annotations

import random
import signal
import traceback
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from types import FrameType

from ablate.grid import GridError, read_grid
from tests.torture.small_store import GRID
from tests.torture.tally import Tally

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 30
VALUES = (
    "nan", "inf", "-inf", "-1", "0", "1e999", "-0.0", "1e-320", "9223372036854775808", "1" + "0" * 400, "1" * 5000,
    "0x" + "f" * 5000, '""', '"\\u0000"', '"\\u202e"', '"a\\nb"', "'''\n\n'''", "true", "[]", "[[]]", "{}", "[" * 300,
    "[" * 300 + "]" * 300, "[" * 5000 + "]" * 5000, "1979-05-27T07:32:00Z", "07:32:00", '"../../etc"', '"🜏"',
    '["hinge", "hinge"]', '{ name = "hinge" }', "{ log = [1, 2], num = 100000 }", '{ name = "r1", weight = -1 }',
)  # fmt: skip
KEYS = (
    "loss.lambda_x", "loss.adversarial", "loss.penalties", "train.steps", "data.crop", "model.width", '"a b"."c"',
    "discriminator.scales", "seeds.values", "budget.max_hours", "compare.margin.psnr", "name", "schema", "base.preset",
    '"loss.adversarial".real_target', "execution.workers", "model.quantizer.levels", "data.path", "a" + ".a" * 400,
)  # fmt: skip
TABLES = (
    "[axes]", "[base]", "[[zip]]", "[[exclude]]", "[[include]]", "[design]", "[seeds]", "[compare]", "[budget]",
    "[execution]", "[base.loss]", "[[base]]", "[a]", "[[axes]]", "[axes.loss]", "[base.data]",
)  # fmt: skip


def _lines(change: Callable[[list[str], random.Random], None]) -> Callable[[str, random.Random], str]:
    def mutated(text: str, chance: random.Random) -> str:
        lines = text.split("\n")
        change(lines, chance)
        return "\n".join(lines)

    return mutated


def _exchange(lines: list[str], chance: random.Random) -> None:
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def _other_value(lines: list[str], chance: random.Random) -> None:
    given = [number for number, line in enumerate(lines) if " = " in line]
    if given:
        number = chance.choice(given)
        lines[number] = f"{lines[number].split(' = ')[0]} = {chance.choice(VALUES)}"


def _flip(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chr(chance.choice([*range(128), 0xE9, 0x2028, 0x1F600])) + text[at + 1 :]


MUTATIONS: dict[str, Callable[[str, random.Random], str]] = {
    "a character changed": _flip,
    "cut": lambda text, chance: text[: chance.randrange(len(text) + 1)],
    "a stretch deleted": lambda text, chance: (lambda at: text[:at] + text[at + chance.randrange(30) :])(
        chance.randrange(len(text) + 1)
    ),
    "a line deleted": _lines(lambda lines, chance: lines.pop(chance.randrange(len(lines))) and None),
    "a line twice": _lines(lambda lines, chance: lines.insert(chance.randrange(len(lines)), chance.choice(lines))),
    "lines exchanged": _lines(_exchange),
    "another value": _lines(_other_value),
    "another key": _lines(
        lambda lines, chance: lines.insert(
            chance.randrange(len(lines) + 1), f"{chance.choice(KEYS)} = {chance.choice(VALUES)}"
        )
    ),
    "another table": _lines(
        lambda lines, chance: lines.insert(chance.randrange(len(lines) + 1), chance.choice(TABLES))
    ),
}


def originals() -> dict[str, str]:
    """Returns the grids that ship, and one of the tests, by name."""
    return {path.name: path.read_text() for path in sorted((ROOT / "grids").glob("*.toml"))} | {"tests": GRID}


class _TooLongError(BaseException):
    """Reading took longer than anyone waits; no Exception, so that nothing takes it for one of its own."""


def rounds(directory: Path, count: int, seed: int) -> Generator[Tally]:
    """Mutates grids one to three times over, reads them, and yields what came of each."""
    texts, path = originals(), directory / "mutated.toml"
    for number in range(count):
        chance, tally = random.Random(f"{seed} {number}"), Tally()
        name = chance.choice(sorted(texts))
        kinds = chance.choices(sorted(MUTATIONS), k=chance.choice((1, 1, 2, 3)))
        text = texts[name]
        for kind in kinds:
            text = MUTATIONS[kind](text, chance)
        path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
        _read(path, f"{name} ({seed} {number}), {' and '.join(kinds)}", kinds, tally)
        yield tally


def _read(path: Path, told: str, kinds: Sequence[str], tally: Tally) -> None:
    case = kinds[-1]
    before = signal.signal(signal.SIGALRM, _raise)
    signal.alarm(PATIENCE_SECONDS)
    try:
        grid = read_grid(path)
        grid.points()
    except GridError as error:
        tally.count(case, "refused")
        if not all(line.startswith(f"{path}:") for line in str(error).splitlines()):
            tally.fault(case, f"{told}: a mistake without a line: {error}")
    except _TooLongError:
        tally.fault(case, f"{told}: took more than {PATIENCE_SECONDS} s")
    except Exception:  # noqa: BLE001 - the fault that is looked for
        tally.fault(case, f"{told}: {traceback.format_exc()[-1200:]}")
    else:
        tally.count(case, "read")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise _TooLongError
