"""The recipes for CI name only commands and options that there are."""

import re
from pathlib import Path

import pytest
import typer

from ablate.cli.app import app

ROOT = Path(__file__).parents[2]
RECIPES = (
    "docs/by-eye.md",
    "docs/ci.md",
    "docs/cluster.md",
    "docs/figures.md",
    "docs/tracker.md",
    "docs/tutorial.md",
    "action.yml",
    ".ci/baseline",
    "tox.ini",
)

GROUPS = ("baseline", "store")
"""Commands that have commands of their own."""


def _options() -> dict[str, set[str]]:
    """Returns the options of each command, `baseline update` among them."""
    found = {}
    group = typer.main.get_command(app)
    commands = dict(group.commands)  # type: ignore[attr-defined]
    for group_name in GROUPS:
        commands |= {f"{group_name} {name}": one for name, one in commands.pop(group_name).commands.items()}
    for name, command in commands.items():
        found[name] = {
            option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
        }
    return found


def _called(text: str) -> list[tuple[str, list[str]]]:
    text = re.sub(r"\\\n\s*", "", text)
    lines = re.findall(r"(?:^|[\s/\"])ablate\"? +((?:(?:baseline|store) )?[a-z]+) ([^`\n]*)", text)
    return [(command, re.findall(r"(?<!\S)(--[a-z-]+|-[a-zA-Z])\b", rest)) for command, rest in lines]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_calls_what_there_is(name: str):
    options = _options()
    called = [(command, given) for command, given in _called((ROOT / name).read_text()) if command in options]
    assert called, f"{name} no longer calls ablate"
    unknown = [(command, option) for command, given in called for option in given if option not in options[command]]
    assert not unknown


def test_the_recipes_are_read_at_all():
    called = _called((ROOT / "action.yml").read_text()) + _called((ROOT / ".ci/baseline").read_text())
    assert {"run", "check", "baseline update"} <= {command for command, _ in called}
    assert ("baseline update", "--alike") in {(command, option) for command, given in called for option in given}
