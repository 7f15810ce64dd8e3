import io

import pytest

from ablate.cli import terminal
from ablate.cli.terminal import coloured, columns, duration, number


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86400 * 3 + 4 * 3600, "3 d 4 h"),
    ],
)
def test_a_time_is_said_in_its_two_largest_units(seconds: float, said: str):
    assert duration(seconds) == said


def test_a_number_that_is_not_there_is_a_dash():
    assert (number(None, 2), number(1.005, 1)) == ("–", "1.0")


def test_numbers_stand_under_each_other_by_their_end():
    assert columns(("step", "label"), [("5", "a"), ("100", "bb")]) == ["step  label", "   5  a", " 100  bb"]


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_and_not_where_they_are_not_wanted(monkeypatch: pytest.MonkeyPatch):
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    assert not coloured(io.StringIO())
    assert coloured(Screen())
    monkeypatch.setattr(terminal.sys, "stdout", Screen())
    assert terminal.paint("3 done", "done") == "\033[32m3 done\033[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.paint("3 done", "done") == "3 done"
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("TERM", "dumb")
    assert not coloured(Screen())
