"""All commands, and what becomes of an error."""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ablate.cli.baseline import baseline
from ablate.cli.bench import bench
from ablate.cli.cancel import cancel
from ablate.cli.check import check
from ablate.cli.compress import compress
from ablate.cli.decompress import decompress
from ablate.cli.diff import diff
from ablate.cli.doctor import doctor
from ablate.cli.evaluate import eval  # noqa: A004 - the command's name
from ablate.cli.export import export
from ablate.cli.init import init
from ablate.cli.losses import losses
from ablate.cli.measure import measure
from ablate.cli.plan import plan
from ablate.cli.process import interruptible
from ablate.cli.references import references
from ablate.cli.report import report
from ablate.cli.run import run
from ablate.cli.show import show
from ablate.cli.status import status
from ablate.cli.store import STORE_COMMANDS, store
from ablate.cli.track import track

USAGE, INCOMPLETE, BUSY, INTERRUPTED = 2, 3, 75, 130
NO_MEMORY = ("DefaultCPUAllocator", "failed to map segment", "Cannot allocate memory", "out of memory")
"""What torch, FreeType and the loader of libraries say where they got none."""
LITTLE_MEMORY_BYTES = 32 << 20
"""With less than this free, an error of the interpreter or of a library is one of memory, whatever it says."""
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


COMMANDS = (
    init, plan, run, measure, status, cancel, show, diff, references, report, check, track, losses, bench, doctor,
    compress, decompress, eval, export,
)  # fmt: skip


class Commands(TyperGroup):
    """The commands in the order of use; an error of the user is a sentence and an exit code, not a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            with interruptible(), _with_place():
                return super().invoke(ctx)
        except typer.Abort as error:  # a question was answered with no, or not at all; typer would end with 1
            typer.echo("not confirmed", err=True)
            raise typer.Exit(INTERRUPTED) from error
        except (MemoryError, RuntimeError, ImportError, SystemError) as error:
            if not _no_memory(error):
                raise
            typer.echo("error: there is not enough memory; free some and run again, nothing is lost", err=True)
            raise typer.Exit(INCOMPLETE) from error
        except (ValueError, OSError) as error:
            sys.stdout.flush()
            if ctx.params["show_traceback"]:
                traceback.print_exc()
            typer.echo(f"error: {_sentence(error)}", err=True)
            if isinstance(error, OSError) and error.errno in NO_SPACE:
                typer.echo("the disk is full; free some space and run again, nothing is lost", err=True)
                raise typer.Exit(INCOMPLETE) from error
            raise typer.Exit(INCOMPLETE if isinstance(error, ChildProcessError) else USAGE) from error
        except EOFError as error:
            raise RuntimeError(repr(error)) from error  # typer would end with 1, which means that a result regressed
        except KeyboardInterrupt as error:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from error
        except Exception as error:
            from ablate.store import Busy  # --help does without it

            if not isinstance(error, Busy):
                raise
            typer.echo(f"error: {error}; run the command again once that has ended", err=True)
            raise typer.Exit(BUSY) from error


@contextmanager
def _with_place() -> Iterator[None]:
    """Turns what the code of a plugin raises into an error of its file and line: the fault is not ablate's."""
    try:
        yield
    except (MemoryError, OSError):
        raise
    except Exception as error:
        from ablate.plugins.load import place_in
        from ablate.plugins.source import PluginError

        place = place_in(error)
        if not place or isinstance(error, PluginError):
            raise
        raise PluginError(f"{place}: {type(error).__name__}: {error}") from error


def _no_memory(error: Exception) -> bool:
    from ablate import memory

    told = isinstance(error, MemoryError) or any(sign in str(error) for sign in NO_MEMORY)
    return told or memory.available() < LITTLE_MEMORY_BYTES


def _sentence(error: ValueError | OSError) -> str:
    """Returns an error in words; what the system refuses without its number, and with the file it is about."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    if isinstance(error, PermissionError) and isinstance(error.filename, str):
        from ablate.records.record import whose

        return f"{error.filename}: {error.strerror}; {whose(Path(error.filename))}"
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich takes five times as long as everything else that --help needs
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all is well, 1 results regressed, 2 a mistake in the command or the grid file, 3 some cells "
    "failed, are unfinished or cannot be compared, 4 inconclusive where --strict wants certainty, 70 a fault of "
    "ablate itself, 75 another process holds what is left or asked for, 130 interrupted, or a "
    "question was not answered with yes.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from ablate import __version__

        typer.echo(f"ablate {__version__}")
        raise typer.Exit


@app.callback()
def ablate(
    ctx: typer.Context,
    runs_dir: Annotated[Path | None, typer.Option("--runs-dir", "-C", hidden=True)] = None,
    reports_dir: Annotated[Path | None, typer.Option("--reports-dir", hidden=True)] = None,
    show_traceback: Annotated[  # noqa: ARG001
        bool, typer.Option("--traceback", help="Show where in the code an error comes from.")
    ] = False,
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Trains a GAN image codec over a grid of losses, scales and weights, and compares what came out.

    A grid file says what varies. From nothing to a report:

    \b
      ablate init grid.toml      write a grid file to start from
      ablate plan grid.toml      see its cells and how long they take
      ablate run grid.toml       train every cell; again: go on where it stopped
      ablate measure grid.toml   other metrics and images for cells that are trained
      ablate status grid.toml    see how far it is, also from another terminal
      ablate cancel CELL         stop one cell, which saves its state; the others go on
      ablate report grid.toml    one HTML file with the comparison
      ablate check grid.toml     whether results still are what a committed baseline says
      ablate store verify        whether all files are still what they were
      ablate store gc            what may go; ls, du, rm, archive, import and merge beside it

    \b
      ablate losses              every loss: formula, source, convention, curves
      ablate bench               how fast the losses are computed, and how fast they could be
      ablate doctor grid.toml    what would spoil the run, looked for on one batch

    \b
      ablate compress a.png --cell ID -o DIR    images to files, by a trained cell
      ablate decompress DIR/a.ablt -o DIR       and back
      ablate eval --cell ID --images DIR        a trained cell measured on other images
      ablate measure --originals DIR --reconstructions DIR    any other codec measured alike
    """  # noqa: D301, \b keeps a block as it stands
    from ablate.plugins.load import load_installed

    for fault in load_installed():
        typer.echo(f"warning: {fault}", err=True)
    given = {"runs_dir": runs_dir, "reports_dir": reports_dir}
    # Both stand behind a command; before it they mean the same.
    defaults = {name: str(path) for name, path in given.items() if path is not None}
    ctx.default_map = {command.__name__: defaults for command in COMMANDS}
    ctx.default_map |= {"baseline": {"update": defaults}, "store": dict.fromkeys(STORE_COMMANDS, defaults)}


for command in COMMANDS:
    app.command()(command)
app.add_typer(baseline)
app.add_typer(store)
