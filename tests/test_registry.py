"""One mechanism to find a function by name, and its options by its signature."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ablate.losses.catalogue import adversarial_losses, distortions, feature_matchings
from ablate.registry import Catalogue, Registry, UnknownNameError, UnknownOptionError, unknown


@pytest.fixture
def dishes() -> Registry:
    registry = Registry("dish")

    @registry.register(formula="a + b", source="Grandmother 1950", vegetarian=True)
    def soup(*, salt: float = 1.0, bowls: int = 2, hot: bool = True, name: str = "leek") -> None:
        """Soup."""

    @registry.register()
    def stew(pot: str, *, hours: float) -> None:
        """Stew."""

    return registry


def test_a_function_is_found_under_its_own_name_with_its_facts(dishes: Registry) -> None:
    entry = dishes["soup"]
    assert (entry.name, entry.formula, entry.source) == ("soup", "a + b", "Grandmother 1950")
    assert entry.facts == {"vegetarian": True}
    assert entry.function.__doc__ == "Soup."
    assert list(dishes) == ["soup", "stew"]


def test_registering_leaves_the_function_as_it_is() -> None:
    registry = Registry("number")

    @registry.register()
    def seven() -> int:
        return 7

    assert seven() == 7
    assert registry["seven"].function is seven


def test_a_second_registration_of_a_name_is_an_error(dishes: Registry) -> None:
    def soup() -> None:
        """Another soup."""

    with pytest.raises(ValueError, match="dish 'soup' is registered twice"):
        dishes.register()(soup)
    assert dishes["soup"].function is not soup


def test_an_unknown_name_lists_what_there_is_and_the_nearest(dishes: Registry) -> None:
    with pytest.raises(
        UnknownNameError, match=r"^unknown dish 'soop' \(there is: soup, stew\); did you mean 'soup'\?$"
    ):
        dishes["soop"]


def test_an_unknown_name_that_is_near_to_none_gets_no_hint() -> None:
    assert unknown("dish", "xyz", ["soup", "stew"]) == "unknown dish 'xyz' (there is: soup, stew)"
    assert unknown("dish", "xyz", []) == "unknown dish 'xyz' (there is: none)"


def test_the_keyword_only_arguments_are_the_options(dishes: Registry) -> None:
    assert list(dishes["soup"].options) == ["salt", "bowls", "hot", "name"]
    assert list(dishes["stew"].options) == ["hours"]


def test_options_that_are_not_given_take_their_defaults(dishes: Registry) -> None:
    assert dishes["soup"].resolve({"bowls": 3}) == {"salt": 1.0, "bowls": 3, "hot": True, "name": "leek"}


def test_a_whole_number_becomes_a_fraction_where_the_default_is_one(dishes: Registry) -> None:
    salt = dishes["soup"].resolve({"salt": 2})["salt"]
    assert (salt, type(salt)) == (2.0, float)


@pytest.mark.parametrize("options", [{"salt": "much"}, {"salt": True}, {"bowls": 2.5}, {"hot": 1}, {"name": 3}])
def test_an_option_of_another_type_than_its_default_is_refused(dishes: Registry, options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(UnknownOptionError, match=f"option '{name}' of soup is "):
        dishes["soup"].resolve(options)


def test_an_unknown_option_lists_what_there_is_and_the_nearest(dishes: Registry) -> None:
    with pytest.raises(UnknownOptionError, match=r"unknown option of soup 'salz' \(there is: .*did you mean 'salt'\?"):
        dishes["soup"].resolve({"salz": 1.0})


def test_a_positional_argument_is_no_option(dishes: Registry) -> None:
    with pytest.raises(UnknownOptionError, match="unknown option of stew 'pot'"):
        dishes["stew"].resolve({"pot": "iron", "hours": 3.0})


def test_an_option_without_a_default_must_be_given(dishes: Registry) -> None:
    with pytest.raises(UnknownOptionError, match="stew needs the option 'hours'"):
        dishes["stew"].resolve({})
    assert dishes["stew"].resolve({"hours": 3.5}) == {"hours": 3.5}


def test_the_modules_of_a_registry_are_imported_at_the_first_look_up_and_not_before() -> None:
    registry = Registry("dish", "ablate.no_such_module")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        list(registry)


@pytest.mark.parametrize("registry", [adversarial_losses, distortions, feature_matchings])
def test_everything_that_ships_says_its_formula_and_its_source(registry: Registry) -> None:
    for name in registry:
        entry = registry[name]
        assert entry.formula, name
        assert entry.source, name
        assert entry.function.__doc__, name


def test_the_losses_that_grid_files_rely_on_are_registered() -> None:
    assert {"vanilla", "minimax", "lsgan", "hinge", "none"} <= set(adversarial_losses)
    assert {"mse", "l1", "charbonnier"} <= set(distortions)
    assert {"source", "pix2pixhd", "none"} <= set(feature_matchings)


def test_only_an_option_with_a_default_can_have_been_added_later() -> None:
    registry = Registry("dish")

    def stew(*, hours: float) -> None:
        """Stew."""

    for option in ("hours", "pepper"):
        with pytest.raises(ValueError, match=f"dish 'stew': '{option}' was added later"):
            registry.register(added={option: "2.0"})(stew)


@dataclass(frozen=True)
class Spice:
    name: str
    heat: int


def test_a_catalogue_holds_things_of_any_type_by_their_name() -> None:
    spices: Catalogue[Spice] = Catalogue("spice")
    spices.add(Spice("paprika", 1))
    assert spices["paprika"].heat == 1
    with pytest.raises(ValueError, match="spice 'paprika' is registered twice"):
        spices.add(Spice("paprika", 2))
    with pytest.raises(UnknownNameError, match=r"unknown spice 'papika'.*did you mean 'paprika'"):
        spices["papika"]


def test_every_module_of_a_package_is_imported_at_the_first_look_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "__init__.py").write_text(
        "from ablate.registry import Catalogue\nspices = Catalogue('spice')"
    )
    for name in ("cumin", "saffron"):
        adding = f"from tests.test_registry import Spice\nfrom shelf import spices\nspices.add(Spice('{name}', 0))"
        (tmp_path / "shelf" / f"{name}.py").write_text(adding)
    assert "shelf" not in sys.modules
    spices = importlib.import_module("shelf").spices
    spices._modules = ("shelf.*",)
    assert list(spices) == ["cumin", "saffron"]


def test_what_is_added_temporarily_is_forgotten(dishes: Registry) -> None:
    with dishes.temporarily():

        @dishes.register()
        def pie() -> None:
            """Pie."""

        assert list(dishes) == ["soup", "stew", "pie"]
    assert list(dishes) == ["soup", "stew"]
