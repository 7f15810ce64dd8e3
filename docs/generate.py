"""The pages that are made of the code whenever the documentation is built: commands, settings, losses with curves."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

GROUPS = ("data", "model", "discriminator", "loss", "optimizers", "train", "evaluation")
"""The tables of a cell, in the order of a grid file."""


def write(directory: Path) -> None:
    """Writes all pages into a directory; files that stay the same are not touched, so that a rebuild is quick."""
    from ablate.report.loss_figure import svg

    pages = {"commands.md": commands(), "settings.md": settings(), "losses.md": losses()}
    pages |= {f"curves/{name}.svg": svg(name) for name in _adversarial()}
    for name, text in pages.items():
        path = directory / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def commands() -> str:
    """Returns the page of all commands with their arguments and options, as `--help` has them."""
    import typer

    from ablate.cli.app import app

    group = typer.main.get_command(app)
    parts = [
        "# Commands",
        "Each command takes `--help`, which says the same. `ablate --install-completion` teaches a shell their names.",
    ]
    for name, command in _commands(group, "ablate"):
        parts += _command(name, command)
    return "\n\n".join([*parts, "## Exit codes", _prose(str(getattr(group, "epilog", "")))]) + "\n"


def _commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Goes through the commands of a group, and of groups in it."""
    for each, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{name} {each}")
        else:
            yield f"{name} {each}", command


def _command(name: str, command: Any) -> Iterator[str]:
    import typer

    context = typer.Context(command, info_name=name)
    usage = re.sub(r"\s+", " ", command.get_usage(context)).removeprefix("Usage: ")
    yield f"## {name}"
    first, *more = _paragraphs(command)
    yield _prose(first)
    yield _code(usage, "text")
    for part in more:
        examples = [each.strip() for each in part.split("Example: ") if each]
        yield _code("\n".join(examples), "text") if part.startswith("Example: ") else _prose(part)
    records = [each.get_help_record(context) for each in command.params]
    yield _table(("argument or option", ""), [(f"`{what}`", _cell(words)) for what, words in filter(None, records)])


def _paragraphs(command: Any) -> list[str]:
    return [part.replace("\n", " ") for part in inspect.cleandoc(command.help or "").split("\n\n")]


def settings() -> str:
    """Returns the page of all settings of a cell: type, default and limits, as the models have them."""
    from ablate.config import Cell

    schema = Cell.model_json_schema()
    parts = [
        "# Settings",
        "Every setting of a cell, as `[base]` of a grid file and the keys of `[axes]` name them: `loss.lambda_x`, "
        "`discriminator.scales`. A preset gives all of them; `ablate plan GRID --resolved` prints what a grid comes "
        "to. The defaults here are those of the paper's form, which a preset replaces.",
    ]
    for name in GROUPS:
        parts += _group(name, schema["properties"][name], schema["$defs"])
    rest = {key: value for key, value in schema["properties"].items() if key not in GROUPS}
    parts += ["## Of the cell itself", _settings_table("", rest, schema["$defs"])]
    parts += ["## Beside the cells", "The other tables of [a grid file](../grid.md)."]
    for name, table in _sections().items():
        schema = table.model_json_schema()
        base = table.__base__
        if base is not None and base.__module__.startswith("ablate.records"):
            schema["description"] = inspect.getdoc(base)  # a grid file's own adds which names there are
        known = schema.get("$defs", {}) | {table.__name__: schema}
        parts += _group(name, {"$ref": f"#/$defs/{table.__name__}"}, known, level=3)
    return "\n\n".join(parts) + "\n"


def _sections() -> Mapping[str, type[BaseModel]]:
    """Returns the tables of a grid file that are not of its cells."""
    from ablate.grid.sections import Budget, Compare, Design, Execution, Reference, Seeds, Tune

    return {
        "design": Design,
        "seeds": Seeds,
        "compare": Compare,
        "tune": Tune,
        "budget": Budget,
        "execution": Execution,
        "reference": Reference,
    }


def _group(key: str, field: Mapping[str, Any], known: Mapping[str, Any], level: int = 2) -> Iterator[str]:
    """Goes through a table of settings and the tables in it."""
    group = known[_reference(field)]
    inner = {name: each for name, each in group["properties"].items() if _is_group(each, known)}
    yield f"{'#' * level} [{key}]"
    yield _prose(group.get("description", ""))
    own = {name: each for name, each in group["properties"].items() if name not in inner}
    if own:
        yield _settings_table(f"{key}.", own, known)
    for name, each in inner.items():
        yield from _group(f"{key}.{name}", each, known, level + 1)


def _reference(field: Mapping[str, Any]) -> str:
    return str(field.get("$ref", "")).rpartition("/")[2]


def _is_group(field: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Returns whether a field is a table of settings; a term is a name with options, which is one value."""
    return "properties" in known.get(_reference(field), {}) and not _is_term(field, known)


def _is_term(field: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    return {"name", "options"} <= known.get(_reference(field), {}).get("properties", {}).keys()


def _settings_table(prefix: str, fields: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    rows = [
        (f"`{prefix}{name}`", _type(each, known), f"`{_default(each)}`" if "default" in each else "", _note(each))
        for name, each in fields.items()
        if name != "defined_by"  # is filled in
    ]
    return _table(("setting", "type", "default", ""), rows)


def _type(field: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """Returns what a setting may be, in words."""
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_type(each, known) for each in field["anyOf"]))
    if "enum" in field:
        return ", ".join(f"`{json.dumps(each)}`" for each in field["enum"])
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if reference := _reference(field):
        if _is_term(field, known):
            return "name, or table of name and options"
        return f"table ({reference})"
    words = {"null": "absent", "array": "list", "object": "table", "boolean": "true or false", "string": "text"}
    kind = words.get(field.get("type", ""), field.get("type", "any"))
    if kind == "list" and "items" in field:
        kind = f"list of: {_type(field['items'], known)}"
    signs = {"minimum": "≥", "maximum": "≤", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
    limits = [f"{sign} {field[name]:g}" for name, sign in signs.items() if name in field]
    return f"{kind} {', '.join(limits)}".strip()


def _default(field: Mapping[str, Any]) -> str:
    value = field["default"]
    return str(value["name"]) if isinstance(value, dict) and not value.get("options", True) else json.dumps(value)


def _note(field: Mapping[str, Any]) -> str:
    told = [str(field.get("description", ""))]
    told += [f"since {field['added']}"] if "added" in field else []
    told += ["not part of a cell's identity"] if field.get("identity") is False else []
    return _cell("; ".join(filter(None, told)))


def losses() -> str:
    """Returns the catalogue of losses: formula, source, convention, options, and curves of the adversarial ones."""
    from ablate.losses.card import CATALOGUES, cards

    plural = {
        "adversarial": "Adversarial losses",
        "distortion": "Distortions",
        "penalty": "Penalties",
        "feature matching": "Feature matching",
    }
    found = cards()
    parts = ["# The catalogue of losses", LOSSES]
    for kind in CATALOGUES:
        parts += [f"## {plural[kind]}"]
        for card in found:
            if card.kind == kind:
                parts += _card(card)
    return "\n\n".join(parts) + "\n"


LOSSES = """\
What `ablate losses NAME` tells, for every loss. Adversarial losses are functions of raw logits: r of an image, f of its
reconstruction; sp is softplus, E the mean over batch and patches. Each figure has a loss and its gradient over one
logit, the other one at 0: where the generator's curve is flat, the codec learns nothing from the discriminator.

*at 0* and *losing* are the generator's gradient per logit at r = f = 0, and where the discriminator is right
(r = 4, f = -4). They say how hard a loss pulls at the same `loss.lambda_x`: equal weights are not equal trades unless
`loss.calibrate = "gradient"` makes them so."""


def _card(card: Any) -> Iterator[str]:
    from latex2mathml.converter import convert

    yield f"### {card.name}"
    yield _prose(card.summary)
    if card.formula:
        yield f'<p class="formula">{convert(card.formula)}</p>'
    rows = [(name, _cell(told)) for name, told in (("source", card.source), ("convention", card.convention)) if told]
    options = [f"`{name} = {json.dumps(value)}`" for name, value in card.options.items()]
    rows += [("options", _cell(", ".join(options)))] if options else []
    facts = {"at 0": card.facts.get("gradient_at_zero"), "losing": card.facts.get("gradient_losing")}
    rows += [(name, f"{value:.4g}") for name, value in facts.items() if value is not None]
    if rows:
        yield _table(("", ""), rows)
    if card.has_curves:
        yield f"![Loss and gradient of {card.name} over the logit](curves/{card.name}.svg)"


def _adversarial() -> Sequence[str]:
    from ablate.losses.card import cards

    return [card.name for card in cards() if card.has_curves]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Returns words as a field of a table."""
    return re.sub(r"\s+", " ", _prose(text)).replace("|", "\\|")


def _prose(text: str) -> str:
    """Returns words of the code as Markdown: what would be taken for markup there is text here, but for `code`."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_<\[$\\])", r"\\\1", part) for part in parts)


def _code(text: str, language: str = "") -> str:
    return f"```{language}\n{text}\n```"
