"""Comparison, budget and execution that a grid file declares beside its cells, as a plan keeps them."""

from __future__ import annotations

import re
import shlex
import string
from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ablate.losses.fast import Kernels as Kernels
from ablate.registry import unknown
from ablate.settings import Settings
from ablate.terms import Term

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuses a list that names something twice."""
    repeated = [value for i, value in enumerate(values) if value in values[:i]]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is listed twice")
    return values


def each_once(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Refuses a list of terms that names one twice, with whatever options."""
    distinct(tuple(term.name for term in terms))
    return terms


def as_tuple(value: Any) -> Any:
    """Turns a list into a tuple, and leaves everything else."""
    return tuple(value) if isinstance(value, list) else value


def seconds(value: Any) -> Any:
    """Turns a time like 1h30m, or a number of seconds as text, into seconds, and leaves everything else."""
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    if not re.fullmatch(r"(\d+(\.\d+)?[smhd])+", value):
        raise ValueError("not a time (there is: 2h, 90m, 30s, 1h30m or a number of seconds)")
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(r"([\d.]+)([smhd])", value))


def _margin(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    is_percent = isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?%", value) and float(value[:-1]) > 0
    if not is_number and not is_percent:
        raise ValueError('not a margin (there is: a number above 0 in the metric\'s unit, or a percentage like "1%")')
    return value


def _rate_match(value: str) -> str:
    if value not in ("off", "bd") and not re.fullmatch(r"within:\d+(\.\d+)?%", value):
        raise ValueError(unknown("way to match rates", value, ["off", "bd", "within:1%"]))
    return value


Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0)]
Margin = Annotated[float | str, BeforeValidator(_margin)]
Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple), AfterValidator(distinct)]
Trackers = Annotated[tuple[Term, ...], BeforeValidator(as_tuple)]
TRACKERS = 'a list of trackers like ["csv", { name = "mlflow", uri = "http://localhost:5000" }]'
AutoCount = Literal["auto"] | Annotated[int, Ge(1)]


class Compare(Settings):
    """Claims made before the runs: the baseline, the metrics that decide, and the smallest effects that matter.

    `margin` holds numbers in the metric's unit or percentages ("1%"). A grid that was read has a baseline value,
    as plain data, for every key that varies. `axes` are the keys whose effects are claimed, all of them where none is
    named: every other comparison is exploratory and leaves the claims their seeds. `rate_match` says when quality may
    be judged: "within:1%" where bits are shown to agree, "bd" at equal bits by Bjøntegaard difference along an axis
    with four values or more, "off" whatever is spent. `correction`: "holm" holds alpha over the claims on each primary
    metric, "holm-all" over those on all of them together.
    """

    baseline: dict[str, Any] = Field({}, description='a table like { "loss.adversarial" = "hinge" }')
    primary: Names = Field((), description="a list of metrics")
    axes: Names = Field((), description='a list of keys that vary, like ["loss.adversarial"]')
    rate_match: Annotated[str, AfterValidator(_rate_match)] = "within:1%"
    margin: dict[str, Margin] = Field({}, description='a table like { psnr = 0.1, bpp_actual = "1%" }')
    alpha: float = Field(0.05, gt=0, lt=1)
    correction: Literal["holm", "holm-all", "none"] = "holm"


class Budget(Settings):
    """When a run stops: after `max_hours`, a cell after `cell_timeout` seconds, all after failures in a row."""

    max_hours: float | None = Field(None, gt=0)
    cell_timeout: Seconds | None = Field(None, description='a time like "2h", "90m", "30s", or a number of seconds')
    max_consecutive_failures: int = Field(3, ge=1)


class Execution(Settings):
    """How the cells are run; it changes no identity. By `device`, `threads` and `kernels` sums may round otherwise.

    `retries` says how often a cell is tried again that lost its process or its machine; `address` is where Ray is
    found. `partition`, `time`, `gpus_per_task` and `sbatch`, further options by name, are of a task of Slurm.
    """

    workers: AutoCount = "auto"
    threads: AutoCount = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    cells_per_gpu: int = Field(1, ge=1)
    kernels: Kernels = "auto"
    executor: str = "local"
    trackers: Trackers = Field((), description=TRACKERS)
    retries: int = Field(3, ge=0)
    address: str = "auto"
    partition: str = ""
    time: Seconds | None = Field(None, description='a time like "4h", "90m", "30s", or a number of seconds')
    gpus_per_task: int | None = Field(None, ge=0, le=1, description="0 or 1: a cell trains on one GPU")
    sbatch: dict[str, str | int] = Field({}, description='a table like { account = "lab", mem = "16G" }')


class Plugins(Settings):
    """Code of one's own: files, relative to the grid file, and modules that this Python finds."""

    files: Names = Field((), description='a list of Python files like ["my_loss.py"]')
    modules: Names = Field((), description='a list of modules like ["lab.losses"]')


PLACEHOLDERS = ["input", "output", "decoded", "quality", "grid"]
"""Words in braces that a command may have; all but the last two must be there."""
_OF_FILES = ("curve", "dataset", "columns", "images", "same_images", "same_convention")
_DIGEST = re.compile(r"[0-9a-f]{8,64}")


def _as_commands(value: Any) -> Any:
    return (value,) if isinstance(value, str) else as_tuple(value)


class Reference(Settings):
    """Another codec that stands beside the arms: points from a file, a program that is run, or a standard format.

    Attributes:
        name: what tables and figures call it; by default its format, its program or its file.
        file: JSON or CSV with points, relative to the grid file.
        command: programs that run one after another for each image and quality, without a shell. `{input}` is the
            image as PNG, `{output}` begins the paths of the files whose bytes count, `{decoded}` is the PNG that is
            measured, `{quality}` one of the qualities and `{grid}` the directory of the grid file.
        codec: a format that Pillow writes.
        qualities: a point of the curve each.
        timeout: seconds that the programs may take for one image, together.
        curve: which model of a file with several.
        dataset: which data set of a file with several.
        columns: metric -> its name in the file, where that is another one.
        images: digest of the images that a file was measured on, or its beginning.
        same_images: whether they are declared to be the test images.
        same_convention: metrics of a file that are declared to be defined as here.
    """

    name: str = ""
    file: str | None = None
    command: Annotated[tuple[str, ...], BeforeValidator(_as_commands)] = Field(
        (), description='a string like "codec {input} {output} {decoded} {quality}", or a list of such'
    )
    codec: Literal["jpeg", "webp", "avif", "jpegxl"] | None = None
    qualities: Annotated[tuple[int | float | str, ...], BeforeValidator(as_tuple), AfterValidator(distinct)] = Field(
        (), description="a list of different numbers or strings"
    )
    timeout: Seconds = Field(600.0, description='a time like "90s", "5m", or a number of seconds')
    curve: str | None = None
    dataset: str | None = None
    columns: dict[str, str] = Field({}, description='a table like { lpips_alex = "lpips" }')
    images: str | None = None
    same_images: bool = False
    same_convention: Names = Field((), description='a list of metrics like ["psnr", "ms_ssim"]')

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Reference:
        kinds = [kind for kind in ("file", "command", "codec") if getattr(self, kind)]
        if len(kinds) != 1:
            there = " and ".join(kinds) or "none"
            raise ValueError(f"a reference has one of file, command and codec; found {there}")
        foreign = ("qualities",) if self.file else _OF_FILES
        if given := [key for key in foreign if key in self.model_fields_set]:
            raise ValueError(f"{given[0]} means nothing beside {kinds[0]}")
        if self.images is not None and not _DIGEST.fullmatch(self.images):
            raise ValueError("images is the digest of a set of images, or its first 8 hex digits or more")
        if self.command:
            self._require_placeholders()
        if self.codec and not all(type(quality) is int for quality in self.qualities):
            raise ValueError(f"qualities of {self.codec} are whole numbers")
        return self

    def _require_placeholders(self) -> None:
        for part in self.command:
            try:
                words = shlex.split(part)
            except ValueError as error:
                raise ValueError(f"command: {error} in {part!r}") from error
            if not words:
                raise ValueError("command: there is no program in an empty string")
        try:
            fields = [field for part in self.command for field in string.Formatter().parse(part)]
        except ValueError as error:
            raise ValueError(f"command: {error}; a brace that is meant is written twice") from error
        if formatted := [word for _, word, form, conversion in fields if form or conversion]:
            raise ValueError(f"command: {{{formatted[0]}}} takes no format; a brace that is meant is written twice")
        found = {word for _, word, _, _ in fields if word is not None}
        for word in found:
            if word not in PLACEHOLDERS:
                raise ValueError(unknown("placeholder of a command", word, PLACEHOLDERS))
        if missing := [word for word in PLACEHOLDERS[:3] if word not in found]:
            raise ValueError(f"command lacks {{{missing[0]}}}")
        if ("quality" in found) != bool(self.qualities):
            raise ValueError("a command with {quality} needs qualities, and one without has none")

    @property
    def label(self) -> str:
        """What tables and figures call it."""
        if self.name:
            return self.name
        if self.codec:
            return {"jpeg": "JPEG", "webp": "WebP", "avif": "AVIF", "jpegxl": "JPEG XL"}[self.codec]
        path = self.file or shlex.split(self.command[0])[0]
        return self.curve or path.rpartition("/")[2].rpartition(".")[0] or path
