"""Loading a plugin registers what it defines, or nothing, and says which line is at fault."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ablate.config import Cell, Term
from ablate.losses import adversarial, distortion
from ablate.losses.card import card
from ablate.losses.catalogue import adversarial_losses
from ablate.metrics.catalogue import metrics
from ablate.plugins.load import load
from ablate.plugins.source import PluginError, source_of_file
from tests.plugins.conftest import LOSS


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[..., None]:
    def write_and_load(text: str, name: str = "mine.py") -> None:
        (tmp_path / name).write_text(text)
        load(source_of_file(tmp_path / name))

    return write_and_load


def cell(name: str) -> Cell:
    return Cell.model_validate({"loss": {"adversarial": name}})


def test_its_facts_are_measured(plugin: Callable[..., None]) -> None:
    plugin(LOSS)
    facts = adversarial_losses["softplus_margin"].facts
    assert facts["gradient_at_zero"] == pytest.approx(-torch.sigmoid(torch.tensor(1.0)).item())
    assert facts["gradient_losing"] == pytest.approx(-torch.sigmoid(torch.tensor(5.0)).item())
    assert (facts["generator_sees_real"], facts["decomposes"]) == (False, True)
    assert card("softplus_margin")[0].options == {"margin": 1.0}


def test_a_generator_that_looks_at_the_image_is_given_its_logits_and_known_to_be_relative(
    plugin: Callable[..., None],
) -> None:
    plugin(
        "from torch.nn.functional import softplus\nfrom ablate.plugins import adversarial_loss\n"
        "@adversarial_loss()\ndef pairs(*, watchful: bool = False):\n"
        "    d = lambda real, fake: softplus(fake - real).mean()\n"
        "    return d, lambda real, fake: softplus((real if watchful else 0) - fake).mean()\n"
    )
    assert not adversarial("pairs").sees_real
    assert adversarial("pairs", watchful=True).sees_real
    assert adversarial("pairs", watchful=True).loss.relative
    assert not adversarial("pairs").loss.relative


def test_only_cells_that_use_it_get_another_id(plugin: Callable[..., None]) -> None:
    before = cell("hinge").id
    plugin(LOSS)
    first = cell("softplus_margin")
    plugin(LOSS + "# a comment\n")
    second = cell("softplus_margin")
    assert cell("hinge").id == before
    assert first.id != second.id
    assert first.loss.adversarial.options == second.loss.adversarial.options
    assert Cell.model_validate(first.model_dump(mode="json")).id == first.id, "a stored cell stays what it was"
    assert "defined_by" not in Term(name="hinge").model_dump()


def test_what_was_changed_within_a_second_is_not_run_from_a_compiled_file(plugin: Callable[..., None]) -> None:
    for weight in (2, 3):
        plugin(
            "from ablate.plugins import distortion\n@distortion()\ndef scaled():\n"
            f"    return lambda image, reconstruction: {weight} * (image - reconstruction).abs().mean()\n"
        )
        ones = torch.ones(1, 3, 2, 2)
        assert distortion("scaled")(ones, 0 * ones).item() == weight


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import torch\nimport no_such_module\n", r"mine\.py, line 2: ModuleNotFoundError: No module named"),
        ("x = 1\n\nraise KeyError('k')\n", r"mine\.py, line 3: KeyError"),
        ("import sys\nsys.exit(0)\n", r"mine\.py, line 2: it ends the program while it is loaded: SystemExit: 0"),
        ("import near\n", r"imported as `from \.near import …`"),
        ("from .near import y\n", r"near\.py, line 1: ZeroDivisionError"),
        (
            "from ablate.plugins import distortion\n@distortion(form='x')\ndef f(): ...\n",
            r"line 2: .*'form' is missing or",
        ),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_told_with_file_and_line(
    tmp_path: Path, plugin: Callable[..., None], text: str, said: str
) -> None:
    (tmp_path / "near.py").write_text("1 / 0")
    with pytest.raises(PluginError, match=said):
        plugin(text)


def test_a_name_that_there_is_is_refused_with_both_places_and_nothing_of_the_plugin_stays(
    plugin: Callable[..., None],
) -> None:
    plugin(LOSS)
    again = LOSS.replace("softplus_margin", "another") + LOSS
    with pytest.raises(
        PluginError, match=r"'softplus_margin' is registered twice: in .*mine\.py, line .*other\.py, line"
    ):
        plugin(again, "other.py")
    assert "another" not in list(adversarial_losses)
    with pytest.raises(PluginError, match=r"'hinge' is registered twice: in .*classic\.py, line .*third\.py"):
        plugin(LOSS.replace("softplus_margin", "hinge"), "third.py")
    assert adversarial_losses["hinge"].origin is None


def test_what_it_prints_does_not_reach_the_output(plugin: Callable[..., None], capsys: pytest.CaptureFixture) -> None:
    plugin("print('here I am')")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "here I am\n")


ZEROS = torch.zeros(2, 1, 3, 3)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 3", r"mine\.py, line 2: wrong returned int 3; two functions"),
        ("return (lambda r, f: f), (lambda r, f: f.mean())", r"mine\.py, line 4: .*tensor \(2, 1, 3, 3\) .*one number"),
        (
            "return (lambda r, f: 1.0), (lambda r, f: f.mean())",
            r"mine\.py, line 4: .*float 1\.0; a tensor of one number",
        ),
    ],
)
def test_a_wrong_return_value_is_told_with_file_and_line(plugin: Callable[..., None], body: str, said: str) -> None:
    plugin(f"from ablate.plugins import adversarial_loss\n@adversarial_loss()\ndef wrong():\n    {body}\n")
    with pytest.raises(PluginError, match=said):
        adversarial("wrong").discriminator(ZEROS, ZEROS)


def test_a_metric_gives_a_number_for_each_image(plugin: Callable[..., None]) -> None:
    head = "from ablate.plugins import metric\n@metric(label='M', direction='lower')\ndef mine(a, b):\n    return "
    plugin(head + "(a.double() - b).mean((1, 2, 3))")
    images = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    assert metrics["mine"].function(images, images).tolist() == [0, 0]
    assert metrics.defined_by("mine@kodak") == metrics.defined_by("mine") != ""
    plugin(head + "(a.double() - b).mean()")
    with pytest.raises(PluginError, match=r"mine\.py, line 2: mine returned a tensor \(\) .*a number for each image"):
        metrics["mine"].function(images, images)


def test_what_is_imported_late_is_what_was_hashed(tmp_path: Path, plugin: Callable[..., None]) -> None:
    """A helper that is imported in the first step, hours after the file was saved again."""
    (tmp_path / "near.py").write_text("FACTOR = 2.0")
    plugin(
        "from ablate.plugins import distortion\n@distortion()\ndef late():\n    from .near import FACTOR\n"
        "    return lambda image, reconstruction: FACTOR * (image - reconstruction).abs().mean()\n"
    )
    (tmp_path / "near.py").write_text("FACTOR = 3.0")
    ones = torch.ones(1, 3, 2, 2)
    assert distortion("late")(ones, 0 * ones).item() == 2.0


def test_files_of_folders_within_the_folder_are_imported(tmp_path: Path, plugin: Callable[..., None]) -> None:
    for name, text in (("parts/deep/a.py", "from ...near import x"), ("near.py", "x = 5"), ("whole/__init__.py", "")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    plugin("from . import whole\nfrom .parts.deep.a import x\nassert x == 5\n")


def test_a_file_that_is_not_in_the_hash_cannot_be_imported(tmp_path: Path, plugin: Callable[..., None]) -> None:
    (tmp_path / "near.py").write_text("FACTOR = 2.0")
    with pytest.raises(PluginError, match=r"mine\.py, line 2: .*near\.py is not among the files"):
        plugin("import importlib\nimportlib.import_module('.' + 'near', __package__)\n")
    assert not (tmp_path / "__pycache__").exists()
