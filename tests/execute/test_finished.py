from pathlib import Path

from ablate.execute.finished import left_behind, of_another_file
from ablate.execute.plan import Plan
from ablate.store import Store
from tests.execute.pretend import Notes, make_plan, run_pretended


def at(plan: Plan, directory: str, file: str, sha: str) -> Plan:
    facts = {"directory": directory, "file": file, "grid_sha256": sha * 64}
    return Plan(plan.record.model_copy(update=facts), plan.text)


def test_a_second_grid_file_of_one_name_is_told_and_an_edited_one_is_not(tmp_path: Path):
    plan, store = make_plan("well", warmup=False), Store(tmp_path, "pretended")
    first = at(plan, "/here", "a.toml", "1")
    assert of_another_file(first, store) is None
    run_pretended(first, tmp_path)
    assert of_another_file(at(plan, "/here", "a.toml", "2"), store) is None, "it was edited"
    assert of_another_file(at(plan, "/there", "a.toml", "1"), store) is None, "it was copied"
    notes = Notes()
    second = at(plan, "/here", "b.toml", "2")
    assert run_pretended(second, tmp_path, notes) == 0
    (said,) = [text for text in notes.messages if "of that name" in text]
    assert "/here/a.toml" in said
    assert "/here/b.toml" in said
    again = Notes()
    run_pretended(second, tmp_path, again)
    assert not [text for text in again.messages if "of that name" in text]


def test_finished_cells_that_left_the_grid_are_told_with_their_arms(tmp_path: Path):
    run_pretended(make_plan("well", "diverge", "well", warmup=False), tmp_path)
    smaller, notes = make_plan("well", warmup=False), Notes()
    store = Store(tmp_path, smaller.name)
    assert run_pretended(smaller, tmp_path, notes) == 0
    (said,) = [text for text in notes.messages if "left the grid" in text]
    assert said.startswith("2 finished cells have left the grid (diverge, well)")
    assert left_behind(make_plan("well", "diverge", "well", warmup=False).record, store) is None


def test_a_damaged_record_of_a_cell_that_left_hides_nothing(tmp_path: Path):
    run_pretended(make_plan("well", "diverge", warmup=False), tmp_path)
    smaller, store = make_plan("well", warmup=False), Store(tmp_path, "pretended")
    (gone,) = (entry for entry in store.cells() if entry.path.name != smaller.points[0].id)
    (gone.path / "cell.json").write_text("{}")
    assert left_behind(smaller.record, store).startswith("1 finished cell has left the grid: ")
    (store.path / "tuning.json").write_text("{}")
    assert left_behind(smaller.record, store) is None
    notes = Notes()
    assert run_pretended(smaller, tmp_path, notes) == 0
