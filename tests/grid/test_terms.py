"""Registered functions with options, as they stand in a grid file."""

from __future__ import annotations

from typing import Any

import pytest

from ablate.grid.terms import is_part_of, read_term, same_term, term_text
from ablate.registry import Registry


@pytest.fixture
def dishes() -> Registry:
    registry = Registry("dish")

    @registry.register()
    def soup(*, salt: float = 1.0, name_of: str = "leek") -> None:
        """Soup."""

    @registry.register()
    def stew(*, hours: float, bowls: int = 2) -> None:
        """Stew."""

    return registry


def test_a_name_is_a_term_with_no_option_given(dishes: Registry) -> None:
    assert read_term(dishes, "soup") == ({"name": "soup"}, [])


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ("stew", ["stew needs the option 'hours'"]),
        ({"name": "stew", "bowls": "a"}, ["stew needs the option 'hours'"]),
        ({"name": "stew", "hours": 1.0, "bowls": "a"}, ["option 'bowls' of stew is int (default 2), not 'a'"]),
        ({"name": "soup", "salt": "a", "name_of": 3}, ["option 'salt' of soup", "option 'name_of' of soup"]),
        ({"name": "soup", "salz": 1.0, "pepper": 2.0}, ["unknown option of soup", "unknown option of soup"]),
        ({"salt": 1.0}, ["the name is missing"]),
        ({"name": 3}, ["the name is missing"]),
        ({"name": "soop"}, ["unknown dish 'soop'"]),
        (["soup"], ["wrong type"]),
    ],
)
def test_everything_that_is_wrong_with_a_term_is_told(dishes: Registry, term: Any, said: list[str]) -> None:
    value, refusals = read_term(dishes, term)
    assert value is None
    assert len(refusals) == len(said)
    for refusal, start in zip(refusals, said, strict=True):
        assert refusal.problem.startswith(start)


def test_terms_are_the_same_where_they_resolve_to_the_same_options(dishes: Registry) -> None:
    assert same_term(dishes, {"name": "soup"}) == same_term(dishes, {"name": "soup", "salt": 1})
    assert same_term(dishes, {"name": "soup"}) != same_term(dishes, {"name": "soup", "salt": 2.0})
    assert same_term(dishes, {"name": "soup"}) != same_term(dishes, {"name": "stew", "hours": 1.0})


def test_a_part_of_a_term_gives_some_of_its_options(dishes: Registry) -> None:
    whole = {"name": "soup", "salt": 2.0}
    assert is_part_of(dishes, {"name": "soup"}, whole)
    assert is_part_of(dishes, {"name": "soup", "name_of": "leek"}, whole)
    assert not is_part_of(dishes, {"name": "soup", "salt": 1.0}, whole)
    assert not is_part_of(dishes, {"name": "stew", "hours": 1.0}, whole)


def test_a_term_is_written_with_the_options_that_differ_from_their_defaults(dishes: Registry) -> None:
    assert term_text(dishes, {"name": "soup", "salt": 1.0}) == "soup"
    assert term_text(dishes, {"name": "soup", "salt": 2, "name_of": "beet"}) == 'soup(salt=2.0, name_of="beet")'
    assert term_text(dishes, {"name": "stew", "hours": 3.0}) == "stew(hours=3.0)"
