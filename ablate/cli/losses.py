"""`ablate losses`: the catalogue, or everything about one loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.options import AsJson, Plugins

if TYPE_CHECKING:
    from ablate.losses.card import Card


def losses(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A loss. Default: the whole catalogue.")] = None,
    figure: Annotated[
        Path | None,
        typer.Option("--figure", "-o", metavar="FILE", help="Draw the curves of an adversarial loss (svg, png, pdf)."),
    ] = None,
    plugin: Plugins = [],  # noqa: B006 - typer copies it
    as_json: AsJson = False,
) -> None:
    """Shows every loss, or all about one.

    Formula, source, convention, options and curves. Adversarial losses are given on raw logits, r of the image and f of
    its reconstruction; sp is softplus, E the mean over batch and patches. "at 0" and "losing" are the generator's
    gradient per logit at r = f = 0 and where the discriminator wins (r = 4, f = -4): how hard a loss pulls against the
    same lambda_x.

    Example: ablate losses lsgan --figure lsgan.svg
    """
    from ablate.cli.own_code import load_plugins
    from ablate.losses.card import as_json as plain
    from ablate.losses.card import card, cards

    load_plugins(plugin)
    found = cards() if name is None else card(name)
    if figure is not None:
        _draw(found, figure)
    if as_json:
        typer.echo(json.dumps([plain(each) for each in found], indent=1))
    elif name is None:
        typer.echo("\n".join(_catalogue(found)))
    else:
        typer.echo("\n\n".join("\n".join(_lines(each)) for each in found))
    if figure is not None:
        typer.echo(f"wrote {figure}", err=as_json)


def _draw(found: tuple[Card, ...], path: Path) -> None:
    drawable = [each.name for each in found if each.has_curves]
    if len(drawable) != 1:
        raise ValueError(
            "--figure draws the curves of one adversarial loss without options that must be given; name one"
        )
    from ablate.report.loss_figure import draw

    draw(drawable[0], path)


def _catalogue(found: tuple[Card, ...]) -> list[str]:
    from ablate.cli.terminal import columns, paint

    lines: list[str] = []
    for kind in dict.fromkeys(each.kind for each in found):
        of_kind = [each for each in found if each.kind == kind]
        lines += ["", paint(kind, "title")] if lines else [paint(kind, "title")]
        header = ("name", *(("at 0", "losing") if kind == "adversarial" else ()), "options", "what it is")
        lines += columns(header, [_row(each) for each in of_kind])
    return [*lines, "", "ablate losses NAME shows formula, source and convention; --json all of it"]


def _row(card: Card) -> tuple[str, ...]:
    gradients = (
        tuple(f"{card.facts[at]:.3g}" if at in card.facts else "–" for at in ("gradient_at_zero", "gradient_losing"))
        if card.kind == "adversarial"
        else ()
    )
    return card.name, *gradients, ", ".join((*card.required, *card.options)), card.summary.split(". ")[0].rstrip(".")


def _lines(card: Card) -> list[str]:
    from ablate.cli.terminal import paint

    lines = [f"{paint(card.name, 'title')}  {card.kind}", card.summary, ""]
    told = {"formula": card.formula, "source": card.source, "convention": card.convention}
    lines += [f"{name:<12}{text}" for name, text in told.items() if text]
    told = {name: f"{name}, which has no default" for name in card.required}
    told |= {name: f"{name} = {json.dumps(default)}" for name, default in card.options.items()}
    for name, text in told.items():
        within = f", sensible from {card.ranges[name][0]} to {card.ranges[name][1]}" if name in card.ranges else ""
        lines.append(f"{'option':<12}{text}{within}")
    lines += [f"{'fact':<12}{name.replace('_', ' ')}: {value}" for name, value in card.facts.items()]
    return lines + (_example(card.name) if card.has_curves else [])


def _zero(value: float) -> float:
    """Returns the value as four decimals tell it, without minus zero."""
    return round(value, 4) + 0.0


def _example(name: str) -> list[str]:
    from ablate.cli.terminal import columns
    from ablate.losses.card import curves, worked_example

    shown = curves(name, points=7)
    rows = [
        (
            f"{logit:g}",
            *(f"{_zero(shown.values[p][i]):.4f} ({_zero(shown.gradients[p][i]):+.4f})" for p in shown.values),
        )
        for i, logit in enumerate(shown.logit)
    ]
    example = worked_example(name)
    return [
        "",
        "value (gradient) over the logit, the other one at 0",
        *columns(("logit", *shown.values), rows),
        "",
        f"worked example: r = {example['real_logits']}, f = {example['fake_logits']}",
        f"  discriminator {example['discriminator']:.6f}, generator {example['generator']:.6f}",
    ]
