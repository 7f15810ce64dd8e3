"""What becomes of a command whose streams, signals or code are not as they should be, in processes of their own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import ablate
from ablate.cli.process import printable

HERE = {"PYTHONPATH": str(Path(ablate.__file__).parents[1])}
LOSSES = (sys.executable, "-m", "ablate", "losses", "lsgan")

CALLING = """
import os, sys, typer
import ablate.cli.locate
ablate.cli.locate.find_grid = {}
sys.argv = ["ablate", "status"]
ablate.cli.main()
"""


def called(*command: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, env=os.environ | HERE | environment, capture_output=True, check=False)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_what_an_encoding_lacks_is_replaced(encoding: str):
    program = CALLING.format("lambda *_: typer.echo('λ – é') or print('λ – é') or typer.echo('λ', err=True)")
    done = called(sys.executable, "-c", program, PYTHONIOENCODING=encoding)
    expected = "λ – é\n".encode(encoding, "replace")
    assert done.stdout == 2 * expected
    assert done.stderr.startswith("λ".encode(encoding, "replace"))


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_terminal_and_no_crash(closed: str, tmp_path: Path):
    done = called("sh", "-c", f'"$@" {closed}', "sh", *LOSSES)
    assert (done.returncode, done.stderr) == (0, b"")
    lost = called("sh", "-c", f'"$@" {closed}', "sh", sys.executable, "-m", "ablate", "plan", str(tmp_path / "none"))
    assert lost.returncode == 2


@pytest.mark.parametrize("arguments", [["losses"], ["--help"]])
def test_a_reader_that_is_gone_is_neither_a_regression_nor_a_traceback(arguments: list[str]):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "ablate", *arguments]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["--help", "losses lsgan"])
def test_an_output_that_is_full_is_a_sentence_and_no_success(command: str, unbuffered: str):
    said = b"error: the output cannot be written: No space left on device\n"
    for streams, expected in ((">/dev/full", said), (">/dev/full 2>&1", b"")):
        script = f"{sys.executable} -m ablate {command} {streams}"
        done = called("sh", "-c", script, PYTHONUNBUFFERED=unbuffered)
        assert (done.returncode, done.stderr) == (3, expected)


def test_an_error_that_nobody_foresaw_has_an_exit_code_of_its_own(tmp_path: Path):
    done = called(sys.executable, "-c", CALLING.format("None"))
    assert done.returncode == 70
    assert b"'NoneType' object is not callable" in done.stderr
    (tmp_path / "typer.py").write_text("raise RuntimeError('a broken installation')")
    done = called(sys.executable, "-m", "ablate", PYTHONPATH=f"{tmp_path}:{HERE['PYTHONPATH']}")
    assert done.returncode == 70
    assert b"a broken installation" in done.stderr


def test_ctrl_c_in_the_first_moments_is_no_traceback(tmp_path: Path):
    interrupt = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(10)\n"
    (tmp_path / "typer.py").write_text(interrupt)
    done = called(sys.executable, "-m", "ablate", "status", PYTHONPATH=f"{tmp_path}:{HERE['PYTHONPATH']}")
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


def test_ctrl_c_in_a_command_is_a_word_and_its_exit_code():
    done = called(sys.executable, "-c", CALLING.format("lambda *_: os.kill(os.getpid(), 2)"))
    assert (done.returncode, done.stderr) == (130, b"interrupted\n")


def test_no_control_character_of_a_name_reaches_a_terminal():
    program = CALLING.format(r'lambda *_: print("a\tb\r\x1b[2J\x1b]0;c\x07\x1b[31md\x1b[0m\u202e\n")')
    done = called(sys.executable, "-c", program)
    assert done.stdout == b"a\tb\\r\\x1b[2J\\x1b]0;c\\x07\x1b[31md\x1b[0m\\u202e\n\n"


def test_a_name_stays_one_word():
    assert printable("a\nb\tc\x1b[31m\x9b2J\u2028 é 火 λ") == r"a\nb\tc\x1b[31m\x9b2J\u2028 é 火 λ"


UNRAISABLE = """
from ablate.cli.process import prepare
prepare()
class Lost:
    def __del__(self):
        raise {}
Lost()
"""


@pytest.mark.parametrize(("error", "told"), [("MemoryError", False), ("ValueError('no such colour')", True)])
def test_a_lack_of_memory_within_a_library_is_no_traceback(error: str, told: bool):
    done = called(sys.executable, "-c", UNRAISABLE.format(error))
    assert done.returncode == 0
    assert (b"Traceback" in done.stderr) == told
