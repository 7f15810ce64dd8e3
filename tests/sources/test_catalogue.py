from __future__ import annotations

import subprocess
import sys

import pytest

from ablate.config import Data
from ablate.sources.catalogue import data_sources, open_source, settings_of


def test_the_sources_that_ship_are_photos_and_folder() -> None:
    assert {"photos", "folder"} <= set(data_sources)
    assert settings_of("photos") == ["colour_profiles", "validation_fraction"]
    wanted = ["path", "train", "test", "test_fraction", "validation", "validation_fraction", "colour_profiles"]
    assert settings_of("folder") == wanted


def test_a_source_is_given_the_settings_that_it_takes_and_no_others() -> None:
    settings = {
        "path": "here",
        "train": None,
        "test": None,
        "test_fraction": 0.3,
        "validation": None,
        "validation_fraction": None,
        "colour_profiles": "keep",
        "crop": 32,
    }
    assert open_source("folder", settings, {}) == data_sources["folder"].function(path="here", test_fraction=0.3)


def test_a_source_refuses_settings_by_itself() -> None:
    settings = dict(Data(source="folder", path="a")) | {"train": "b", "test": "c"}
    with pytest.raises(ValueError, match="needs either train and test, or path"):
        open_source("folder", settings, {})


def test_checking_the_settings_of_data_imports_neither_torch_nor_numpy_nor_pillow() -> None:
    heavy = "assert not {'torch', 'numpy', 'PIL'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"import sys; from ablate.config import Data; Data(); {heavy}"], check=True)
