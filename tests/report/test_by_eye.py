"""Comparing by eye, from the page to the scores in the report."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ablate.records import EyeJudgements, RecordError, read_judgements
from ablate.report import write_report
from ablate.report.by_eye import find_trials
from ablate.report.report import gather
from ablate.store import Store
from tests.browser import Browser
from tests.fabricated_store import Fabrication, drawn_images, fabricate

LOSSES = ["vanilla", "lsgan", "hinge"]
COMPARE = {"baseline": {"loss.adversarial": "lsgan"}, "primary": ["psnr"]}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    axes = {"loss.adversarial": LOSSES}
    images = drawn_images(count=7)
    return fabricate(tmp_path_factory.mktemp("eye"), Fabrication(axes=axes, compare=COMPARE, images=images))


def session(store: Store, prefers: str, name: str = "one", images: int = 7) -> dict[str, Any]:
    """Returns the answers of somebody who sees one loss from far off, and no difference between others."""
    evidence = gather([store])
    arms = {cell.id: cell.arm for cell in evidence.study.cells}
    judgements = []
    for trial, pair in enumerate(find_trials(evidence).pairs):
        sides = {"left": arms[pair.first], "right": arms[pair.second]}
        answer = next((side for side, arm in sides.items() if prefers in arm), "same")
        given = {"trial": trial, "image": pair.image, "left": pair.first, "right": pair.second, "answer": answer}
        if int(pair.image[5]) < images:
            judgements.append(given | {"at": f"2026-11-26T10:{trial:02}:00Z"})
    return {"id": name, "observer": "R.", "judgements": judgements}


def saved(path: Path, *sessions: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"schema": 1, "grid": "made-up", "page": "0", "sessions": list(sessions)}))
    return path


def test_trials_are_all_pairs_of_arms_on_every_image_by_seeds_in_turn(store: Store) -> None:
    evidence = gather([store])
    trials, cells = find_trials(evidence), {cell.id: cell for cell in evidence.study.cells}
    assert len(trials.pairs) == 3 * 7
    assert trials.unmatched == 0
    for pair in trials.pairs:
        first, second = cells[pair.first], cells[pair.second]
        assert first.arm != second.arm
        assert first.seed == second.seed == int(pair.image[5]) % 2
        assert {f"original/{pair.image}", f"{first.id}/{pair.image}", f"{second.id}/{pair.image}"} <= set(trials.crops)


def test_few_images_come_by_several_seeds(tmp_path: Path) -> None:
    axes, seeds = {"loss.adversarial": ["lsgan", "hinge"]}, tuple(range(5))
    evidence = gather([fabricate(tmp_path, Fabrication(axes=axes, seeds=seeds))])
    trials, cells = find_trials(evidence), {cell.id: cell for cell in evidence.study.cells}
    seen = [(pair.image, cells[pair.first].seed) for pair in trials.pairs]
    assert len(seen) == len(set(seen)) == 4 * 3
    assert {seed for _, seed in seen} == set(seeds)


def test_files_of_other_sizes_are_no_pair(tmp_path: Path) -> None:
    """Channels decide the bits of a made-up cell: 4 take half of what 8 do."""
    axes = {"loss.adversarial": ["lsgan", "hinge"], "model.channels": [4, 8]}
    evidence = gather([fabricate(tmp_path, Fabrication(axes=axes, seeds=(0,)))])
    trials, cells = find_trials(evidence), {cell.id: cell for cell in evidence.study.cells}
    assert (len(trials.pairs), trials.unmatched) == (2 * 3, 4 * 3)
    for pair in trials.pairs:
        assert len({cells[cell].config["model"]["channels"] for cell in (pair.first, pair.second)}) == 1


def test_one_arm_has_nobody_to_be_compared_with(tmp_path: Path) -> None:
    lonely = fabricate(tmp_path, Fabrication(axes={"loss.adversarial": ["lsgan"]}))
    with pytest.raises(ValueError, match="two arms with a finished cell"):
        write_report([lonely], tmp_path / "out", compare_by_eye=True)
    assert not (tmp_path / "out").exists()


def test_what_somebody_saw_is_in_the_report(store: Store, tmp_path: Path) -> None:
    file = saved(tmp_path / "saved.json", session(store, "hinge"))
    report = write_report([store], tmp_path / "out", judgements=[file])
    told = json.loads(report.json.read_text())["by_eye"]
    assert (told["judgements"], told["observers"], told["images"], told["foreign"]) == (21, 1, 7, 0)
    by_arm = {each["arm"].rpartition("=")[2]: each for each in told["preferences"]}
    assert next(iter(by_arm)) == "hinge"
    assert (by_arm["hinge"]["won"], by_arm["hinge"]["lost"], by_arm["vanilla"]["tied"]) == (14, 0, 7)
    assert by_arm["hinge"]["score"] > by_arm["hinge"]["low"] > 0
    assert by_arm["lsgan"]["score"] == 0
    assert by_arm["vanilla"]["score"] == pytest.approx(0, abs=1e-6)
    page = report.markdown.read_text()
    assert "**By eye,** " in page
    assert "is preferred to adversarial=lsgan" in page
    assert "won every time: how far, nobody knows" in page
    assert "over the 7 images" in page
    # Later reports read it again, however often it is given.
    for again in ([], [file]):
        report = write_report([store], tmp_path / "out", judgements=again)
        assert json.loads(report.json.read_text())["by_eye"]["judgements"] == 21
    assert len(list((tmp_path / "out" / "by-eye").iterdir())) == 1


def test_few_images_speak_of_themselves_alone(store: Store, tmp_path: Path) -> None:
    file = saved(tmp_path / "saved.json", session(store, "hinge", images=5))
    page = write_report([store], tmp_path / "out", judgements=[file]).markdown.read_text()
    assert "hold for these 5 images alone" in page
    assert "29 for one of 75 %, 194 for one of 60 %" in page


def test_nobody_asked_is_no_section(store: Store, tmp_path: Path) -> None:
    report = write_report([store], tmp_path / "out")
    assert 'id="by_eye"' not in report.html.read_text()
    assert report.by_eye is None


def test_a_session_that_was_saved_twice_counts_once_and_its_later_answers_count(store: Store, tmp_path: Path) -> None:
    whole = session(store, "hinge")
    changed = whole["judgements"][0] | {"answer": "same", "at": "2026-11-26T11:00:00Z"}
    early = {**whole, "judgements": whole["judgements"][:4]}
    saved(tmp_path / "1.json", {**whole, "judgements": [changed, *whole["judgements"][1:]]})
    saved(tmp_path / "2.json", early, session(store, "lsgan", "two"))
    first, second = read_judgements(tmp_path)
    assert [each.answer for each in first.judgements] == ["same", *(each["answer"] for each in whole["judgements"][1:])]
    assert (len(second.judgements), second.id) == (21, "two")


def test_judgements_of_other_cells_are_counted_and_left_out(store: Store, tmp_path: Path) -> None:
    one = session(store, "hinge")
    one["judgements"][0]["left"] = "0123456789ab"
    told = write_report([store], tmp_path / "out", judgements=[saved(tmp_path / "saved.json", one)])
    numbers = json.loads(told.json.read_text())["by_eye"]
    assert (numbers["judgements"], numbers["foreign"]) == (20, 1)
    assert "1 judgement left out" in told.markdown.read_text()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "it has no grid"),
        ("nothing", "it is not JSON"),
        ('{"schema": 1, "grid": "g", "page": "p", "sessions": [{"id": "a", "judgements": [{"trial": -1}]}]}', "trial"),
    ],
)
def test_a_file_of_something_else_is_refused_before_anything_is_written(
    store: Store, tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "other.json").write_text(content)
    with pytest.raises(RecordError, match=re.escape(said)) as error:
        write_report([store], tmp_path / "out", judgements=[tmp_path / "other.json"])
    assert "other.json cannot be read" in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.browser
def test_a_reader_answers_by_keys_and_buttons_and_a_reload_loses_nothing(
    page: Browser, store: Store, tmp_path: Path
) -> None:
    written = write_report([store], tmp_path / "out", compare_by_eye=True).by_eye
    assert written is not None
    page.open(written)
    page.write("#observer", "R. G.")
    page.point("#begin", press=True)
    # What is on the screen before each answer, so that the file can be held to it.
    shown = "['left', 'right'].map((id) => Object.keys(data.crops).find((k) => data.crops[k] === element(id).src))"
    seen = []
    for act in ("ArrowLeft", "ArrowRight", "ArrowDown", "button"):
        seen.append(page.evaluate(shown))
        if act == "button":
            page.point("[data-answer=right]", press=True)
        else:
            press(page, act)
        count = len(seen)
        assert f" {count} answer{'s' * (count > 1)}, kept in this" in page.evaluate("element('said').textContent")
    press(page, "Backspace")
    seen[-1] = page.evaluate(shown)
    page.point("[data-answer=same]", press=True)
    # Reloaded, it goes on with the fifth pair.
    fifth = page.evaluate(shown)
    page.open(written)
    assert page.evaluate("element('begin').textContent") == "Go on after 4 answers"
    page.point("#begin", press=True)
    assert page.evaluate(shown) == fifth
    assert page.problems == []
    assert page.requests == [written.resolve().as_uri()]
    file = download(page, tmp_path)
    (kept,) = EyeJudgements.model_validate_json(file.read_bytes()).sessions
    assert kept.observer == "R. G."
    assert [each.answer for each in kept.judgements] == ["left", "right", "same", "same"]
    assert [[f"{each.left}/{each.image}", f"{each.right}/{each.image}"] for each in kept.judgements] == seen
    report = write_report([store], tmp_path / "out", judgements=[file])
    assert json.loads(report.json.read_text())["by_eye"]["judgements"] == 4
    # What was saved to a file is still known to be after a reload.
    page.open(written)
    assert page.evaluate("element('said').textContent") == "4 answers, kept in this browser."


@pytest.mark.browser
def test_all_pairs_come_once_in_an_order_of_their_own_for_each_person(
    page: Browser, store: Store, tmp_path: Path
) -> None:
    written = write_report([store], tmp_path / "out", compare_by_eye=True).by_eye
    assert written is not None
    page.open(written)
    orders = [page.evaluate(f"order({number}).map((t) => [t.image, ...t.cells])") for number in (0, 1, 0)]
    assert orders[0] == orders[2] != orders[1]
    pairs = [[pair.image, pair.first, pair.second] for pair in find_trials(gather([store])).pairs]
    for order in orders:
        assert order != pairs
        assert sorted([image, *sorted(cells)] for image, *cells in order) == sorted(pairs)
    turned = sum([image, first, second] not in pairs for image, first, second in orders[0])
    assert 3 < turned < 18


@pytest.mark.browser
def test_the_space_bar_shows_the_original_in_both_places(page: Browser, store: Store, tmp_path: Path) -> None:
    written = write_report([store], tmp_path / "out", compare_by_eye=True).by_eye
    assert written is not None
    page.open(written, width=420, height=900, scheme="dark")
    page.point("#begin" if page.evaluate("element('anew').hidden") else "#anew", press=True)
    sources = "['original', 'left', 'right'].map((id) => element(id).src)"
    before = page.evaluate(sources)
    assert len(set(before)) == 3
    page.call("Input.dispatchKeyEvent", type="keyDown", key=" ", code="Space", windowsVirtualKeyCode=32)
    assert page.evaluate(sources) == [before[0]] * 3
    page.call("Input.dispatchKeyEvent", type="keyUp", key=" ", code="Space", windowsVirtualKeyCode=32)
    assert page.evaluate(sources) == before
    assert page.evaluate("document.documentElement.scrollWidth") == 420
    # No name of an arm is on the page.
    assert not any(loss in page.evaluate("document.body.innerText") for loss in LOSSES)


def press(page: Browser, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)


def download(page: Browser, directory: Path) -> Path:
    """Presses the button that saves, and returns the file that the browser wrote."""
    page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(directory))
    page.point("#save", press=True)
    for _ in range(100):
        found = [path for path in directory.glob("by-eye-*.json") if path.stat().st_size]
        if found:
            return found[0]
        page.evaluate("new Promise((done) => setTimeout(done, 50))")
    raise AssertionError("nothing was saved")
