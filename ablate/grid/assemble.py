"""Puts cells together from the base and what differs from it; equal sections are validated once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ablate.config import Cell, Settings
from ablate.grid.axes import Combination, Factor, levels_of
from ablate.grid.presets import nested


@dataclass(frozen=True)
class Failure:
    """Why settings that are valid one by one make no cell; `section` is empty where several sections disagree."""

    message: str
    section: str = ""


class Assembly:
    """Makes cells of one grid, all with the same seed."""

    def __init__(self, base: Mapping[str, Any], factors: Sequence[Factor], seed: int) -> None:
        self._base = base
        self._factors = factors
        self._seed = seed
        self._sections: dict[tuple[str, Any], Settings] = {}

    def combination(self, combination: Combination) -> Cell | Failure:
        """Returns the cell at one choice of each factor."""
        return self.changed({key.name: level.value for key, level in levels_of(self._factors, combination)})

    def changed(self, values: Mapping[str, Any]) -> Cell | Failure:
        """Returns the cell at the base with some values changed."""
        sections: dict[str, Settings] = {}
        for name, info in Cell.model_fields.items():
            if isinstance(info.annotation, type) and issubclass(info.annotation, Settings):
                section = self._section(name, info.annotation, values)
                if isinstance(section, Failure):
                    return section
                sections[name] = section
        try:
            return Cell.model_validate({**sections, "seed": self._seed})
        except ValidationError as error:
            return Failure(sentence(error))

    def _section(self, name: str, settings: type[Settings], values: Mapping[str, Any]) -> Settings | Failure:
        own = {key: value for key, value in values.items() if key.startswith(f"{name}.")}
        content = (name, repr(own))
        if content not in self._sections:
            base = {key: value for key, value in self._base.items() if key.startswith(f"{name}.")}
            try:
                self._sections[content] = settings.model_validate(nested(base | own)[name], strict=True)
            except ValidationError as error:
                return Failure(f"{name}: {sentence(error)}", name)
        return self._sections[content]


def sentence(error: ValidationError) -> str:
    """Says what the validators of a group of settings say; single values have been read before."""
    return "; ".join(
        str(detail.get("ctx", {}).get("error", detail["msg"])) for detail in error.errors(include_url=False)
    )
