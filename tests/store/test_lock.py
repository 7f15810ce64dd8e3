import os
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.store import lock
from ablate.store.lock import Busy, exclusive, held

HOLD = """
import sys, time
from pathlib import Path
from ablate.store.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "lock"], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_told_who_holds_the_lock(tmp_path: Path, holder: subprocess.Popen):
    assert held(tmp_path / "lock")
    with pytest.raises(Busy, match=f" {holder.pid} "), exclusive(tmp_path / "lock"):
        pass


def test_kill_minus_nine_frees_the_lock(tmp_path: Path, holder: subprocess.Popen):
    holder.kill()
    holder.wait()
    assert not held(tmp_path / "lock")
    with exclusive(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text().split()[1] == str(os.getpid())


def test_asking_whether_a_lock_is_held_creates_nothing(tmp_path: Path):
    assert not held(tmp_path / "none" / "lock")
    assert os.listdir(tmp_path) == []


def test_asking_does_not_make_a_lock_look_held_to_who_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A reader holds the lock for an instant; who wants it asks a second time."""
    path = tmp_path / "lock"
    path.touch()
    reader = os.open(path, os.O_RDONLY)
    lock.fcntl.flock(reader, lock.fcntl.LOCK_SH)
    monkeypatch.setattr(lock.time, "sleep", lambda _seconds: os.close(reader))
    with exclusive(path):
        pass
