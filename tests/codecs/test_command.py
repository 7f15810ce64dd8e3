"""Any program as a codec: its bytes, its time and its mistakes."""

from __future__ import annotations

import re
import sys
import threading
import time
from pathlib import Path

import pytest

from ablate.codecs.command import Command, CommandError, Failure

COPIES = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2]); shutil.copy(sys.argv[1], sys.argv[3])"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    directory = tmp_path / "with space"
    directory.mkdir()
    (directory / "input.png").write_bytes(b"1234567")
    return directory


def command(text: str, scratch: Path, timeout: float = 60) -> Command:
    (scratch.parent / "codec.py").write_text(text)
    return Command((f"{sys.executable} {{grid}}/codec.py {{input}} {{output}} {{decoded}}",), timeout, scratch.parent)


def test_the_bytes_of_all_files_that_begin_with_output_count(scratch: Path) -> None:
    text = f"{COPIES}; open(sys.argv[2] + '.tail', 'wb').write(b'xyz'); open('other', 'wb').write(b'not counted')"
    assert command(text, scratch).run(scratch, None) == 10


def test_the_bytes_in_a_directory_that_begins_with_output_count(scratch: Path) -> None:
    text = f"{COPIES}; import os; os.mkdir(sys.argv[2] + '_streams'); "
    text += "open(sys.argv[2] + '_streams/0.bin', 'wb').write(bytes(100))"
    assert command(text, scratch).run(scratch, None) == 107


def test_no_shell_reads_the_command(scratch: Path) -> None:
    (scratch.parent / "codec.py").write_text(COPIES)
    given = f"{sys.executable} {{grid}}/codec.py {{input}} {{output}} {{decoded}} ; touch shell $(touch too)"
    Command((given,), 60, scratch.parent).run(scratch, None)
    assert not (scratch / "shell").exists()
    assert not (scratch / "too").exists()


@pytest.mark.parametrize(
    ("text", "failure", "told"),
    [
        ("import sys; sys.exit('no such mode')", Failure.exit_code, "exit code 1: no such mode"),
        ("import os; os.kill(os.getpid(), 9)", Failure.exit_code, "the signal 9"),
        ("pass", Failure.no_file, "no bytes"),
        ("import sys; open(sys.argv[2], 'w').write('x')", Failure.no_image, "no {decoded}"),
    ],
)
def test_a_program_that_fails_says_how(scratch: Path, text: str, failure: Failure, told: str) -> None:
    with pytest.raises(CommandError, match=re.escape(told)) as caught:
        command(text, scratch).run(scratch, None)
    assert caught.value.failure is failure


def test_a_program_that_is_not_there_is_told(scratch: Path) -> None:
    with pytest.raises(CommandError, match="cannot be run") as caught:
        Command(("no-such-program {input} {output} {decoded}",), 60, scratch).run(scratch, None)
    assert caught.value.failure is Failure.not_found


def test_a_program_that_takes_too_long_is_ended_with_all_it_started(scratch: Path) -> None:
    text = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open('child', 'w').write(str(child.pid)); time.sleep(600)"
    )
    with pytest.raises(CommandError, match="more than 3 s") as caught:
        command(text, scratch, timeout=3).run(scratch, None)
    assert caught.value.failure is Failure.timeout
    child = Path(f"/proc/{(scratch / 'child').read_text()}/stat")
    for _ in range(100):
        if not child.exists() or child.read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("what it started goes on")


def test_a_program_that_nobody_waits_for_any_more_is_ended(scratch: Path) -> None:
    given = command("import time; time.sleep(600)", scratch, timeout=500)
    threading.Timer(1.0, given.ended.set).start()
    with pytest.raises(CommandError, match="interrupted"):
        given.run(scratch, None)


def test_another_program_has_another_digest(scratch: Path) -> None:
    first, again, other = (command(text, scratch).digest() for text in (COPIES, COPIES, f"{COPIES} "))
    assert first == again != other
