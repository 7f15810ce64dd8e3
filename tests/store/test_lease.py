"""Leases, by processes on pretended hosts whose file system grants everybody every lock."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablate.store import lease, lock
from ablate.store.lease import Busy
from ablate.store.lock import exclusive, held

HOLD = """
import os, sys, time
from pathlib import Path
from ablate.store import lease, lock
path, host, heartbeat = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
lock.fcntl.flock = lambda *_: None
lease.socket.gethostname = lambda: host
lease.HEARTBEAT_SECONDS = heartbeat
with lock.exclusive(path):
    print("held", flush=True)
    time.sleep(60)
"""


class Host:
    """A process on a pretended host that holds the lock, or is refused."""

    def __init__(self, path: Path, name: str, heartbeat: float = 0.05) -> None:
        program = [sys.executable, "-c", HOLD, str(path), name, str(heartbeat)]
        self.process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.first = self.process.stdout.readline()

    def end(self) -> str:
        self.process.kill()
        return self.process.communicate()[1]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lock.fcntl, "flock", lambda *_: None)
    monkeypatch.setattr(lease.socket, "gethostname", lambda: "here")
    return tmp_path / "lock"


@pytest.fixture
def other(path: Path):
    host = Host(path, "there")
    assert host.first == "held\n"
    yield host
    host.end()


def test_another_host_is_held_off_and_told_who_holds(path: Path, other: Host):
    assert held(path)
    with pytest.raises(Busy, match=rf"leased by there {other.process.pid}"), exclusive(path):
        pass
    third = Host(path, "elsewhere")
    assert (third.first, "Busy" in third.end()) == ("", True)


def test_what_is_given_back_is_free_at_once_for_everybody(path: Path):
    with exclusive(path):
        assert held(path)
    assert not held(path)
    other = Host(path, "there")
    assert other.first == "held\n"
    other.end()
    assert len(list(path.parent.glob("lock.lease-*"))) == 1, "older ones are cleared away"


def test_a_lease_is_renewed_and_one_of_a_host_that_died_runs_out(path: Path, other: Host, monkeypatch):
    monkeypatch.setattr(lease, "EXPIRES_SECONDS", 1.0)
    time.sleep(1.2)
    assert held(path), "its heartbeat renews it"
    other.end()
    assert held(path), "nobody knows yet that it died"
    time.sleep(1.2)
    assert not held(path)
    with exclusive(path):
        assert held(path)


@pytest.mark.parametrize("skew", [-90, 90])
def test_a_reader_whose_clock_is_off_sees_what_a_writer_sees(path: Path, other: Host, monkeypatch, skew: float):
    real = time.time
    monkeypatch.setattr(lease.time, "time", lambda: real() + skew)
    assert held(path)
    with pytest.raises(Busy), exclusive(path):
        pass
    other.end()
    (left,) = path.parent.glob("lock.lease-*")
    os.utime(left, (0, real() - 70))
    assert not held(path)
    assert sorted(path.parent.iterdir()) == sorted([path, left]), "nothing is left of looking"


def test_a_reader_that_may_not_write_goes_by_its_own_clock(path: Path, other: Host, monkeypatch):
    def refused(_directory: Path) -> float:
        raise PermissionError

    monkeypatch.setattr(lease, "_clock_of", refused)
    assert held(path)


def test_a_lease_of_a_process_of_this_host_that_died_is_over_at_once(path: Path):
    here = Host(path, "here")
    assert held(path)
    here.end()
    assert not held(path)


def test_a_holder_that_stood_still_for_too_long_ends_where_another_one_took_over(path: Path, other: Host, monkeypatch):
    other.process.send_signal(19)  # SIGSTOP
    monkeypatch.setattr(lease, "EXPIRES_SECONDS", 0.2)
    time.sleep(0.5)
    with exclusive(path):
        other.process.send_signal(18)  # SIGCONT
        assert other.process.wait(20) == lease.SUPERSEDED
        assert held(path)


def test_one_that_looked_long_ago_cannot_take_what_others_have_taken_since(path: Path, monkeypatch):
    """It found number 1 over, and stood still while number 2 was taken and given back, and number 3 was taken."""
    with exclusive(path):
        first = path.with_name("lock.lease-000001")
    newest = lease._newest
    looks = iter([first])
    with exclusive(path):
        pass
    with exclusive(path):
        monkeypatch.setattr(lease, "_newest", lambda given: next(looks, None) or newest(given))
        with pytest.raises(Busy), exclusive(path):
            pass
        assert [each.name for each in path.parent.glob("lock.lease-*")] == ["lock.lease-000003"]


def test_a_file_system_without_locks_gets_leases_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def nobody(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(lock.fcntl, "flock", nobody)
    with exclusive(tmp_path / "lock"):
        assert held(tmp_path / "lock")
        with pytest.raises(Busy), exclusive(tmp_path / "lock"):
            pass
    assert lock.trial(tmp_path) == f"the file system of {tmp_path} grants nobody a lock (No locks available)"


def test_a_trial_says_what_is_wrong_with_locks_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert lock.trial(tmp_path) is None
    device = os.stat(tmp_path).st_dev
    mounts = tmp_path / "mountinfo"
    mount = f"36 35 {os.major(device)}:{os.minor(device)} / /store rw - nfs4 server:/store rw,local_lock=all\n"
    mounts.write_text(mount)
    monkeypatch.setattr(lock, "MOUNTS", mounts)
    assert lock.trial(tmp_path) == f"the file system of {tmp_path} keeps its locks to one machine (nfs4 local_lock=all)"
    monkeypatch.setattr(lock.fcntl, "flock", lambda *_: None)
    assert lock.trial(tmp_path) == f"the file system of {tmp_path} grants everybody the same lock"
    assert os.listdir(tmp_path) == ["mountinfo"]


def test_no_lease_is_made_where_locks_hold_others_off(tmp_path: Path):
    with exclusive(tmp_path / "lock"):
        assert os.listdir(tmp_path) == ["lock"]
