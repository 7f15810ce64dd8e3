"""The settings of a codec: which one it is, and those of the codec of Agustsson et al."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, model_validator

from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.codecs.catalogue import codecs
from ablate.layers.code import Code
from ablate.settings import added
from ablate.terms import Resolve, Term

CodecTerm = Annotated[Term, AfterValidator(Resolve(codecs, called=False))]


class Model(AgustssonSettings):
    """The codec of a cell; a setting that `codec` does not look at has its default whatever is given."""

    codec: CodecTerm = added("0.2", Term(name="agustsson"))

    @model_validator(mode="before")
    @classmethod
    def _only_what_the_codec_looks_at(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "codec" not in given:
            return given
        looked_at = codecs[Term.model_validate(given["codec"]).name].facts["settings"]
        idle = AgustssonSettings.model_fields.keys() - looked_at
        return {key: value for key, value in given.items() if key not in idle}

    @property
    def code(self) -> Code | None:
        """The shape of what is sent of an image, None where a codec does not say."""
        shape = self._facts["code"]
        return shape(self) if shape else None

    @property
    def stride(self) -> int:
        """The number of pixels that the sides of a crop must be multiples of."""
        known = self._facts["stride"]
        return known(self) if callable(known) else known

    @property
    def has_rate(self) -> bool:
        """True where the codec estimates its rate while training."""
        known = self._facts["rate"]
        return known(self) if callable(known) else known

    def check(self, crop: int, batch_size: int) -> None:
        """Refuses crops that the codec cannot be trained on.

        Raises:
            ValueError: where that is so.
        """
        if self._facts["check"]:
            self._facts["check"](self, crop, batch_size)
        if crop % self.stride:
            raise ValueError(f"data.crop = {crop} must be a multiple of {self.stride}, as model.codec asks for")

    @property
    def _facts(self) -> Any:
        return codecs[self.codec.name].facts
