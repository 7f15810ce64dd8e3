"""Whichever file of a store is altered, cut or swapped: report and gate name it, and neither judges by it."""

from pathlib import Path

import pytest

from ablate.check import Baseline, check
from ablate.check.finding import GateOutcome, Reason
from ablate.records import AlteredError
from ablate.records.figures import read_figures, write_figures
from ablate.report.report import gather
from ablate.report.sections.completeness import completeness
from ablate.store import Store
from ablate.store.verify import targets, verify
from tests.check.judged import recorded, taken
from tests.store.sealed_store import DAMAGES, kinds, make_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = make_store(tmp_path_factory.mktemp("altered"))
    plan = made.plan()
    assert plan is not None
    points = tuple(point.model_copy(update={"warmup": "warm00000000"}) for point in plan.points)
    made.write_plan(plan.model_copy(update={"points": points}))
    return made


@pytest.fixture(scope="module")
def baseline(store: Store) -> Baseline:
    return taken(recorded(store))


def told_by_report(store: Store) -> str:
    """Returns what the report says of the cells that it leaves out, and of warm-ups."""
    evidence = gather([store])
    cells, numbers = evidence.study.cells, completeness(evidence).numbers
    assert not any(cell.score("psnr") is not None for cell in cells if cell.status.damaged)
    return " ".join([*(str(cell.cause) for cell in cells), *numbers["altered_warmups"]])


def test_nothing_is_said_of_a_store_as_it_was_sealed(store: Store, baseline: Baseline) -> None:
    assert "sealed" not in told_by_report(store)
    assert check(baseline, recorded(store)).exit_code(strict=True) == 0


@pytest.mark.parametrize("damage", DAMAGES)
def test_report_and_gate_name_every_kind_of_file_that_is_altered(store: Store, baseline: Baseline, damage: str) -> None:
    for name, kind in kinds(store.root).items():
        path = store.root / kind.first
        content = path.read_bytes()
        DAMAGES[damage](path, store.root / kind.second)
        assert str(path) in told_by_report(store), f"{name} {damage}"
        result = check(baseline, recorded(store))
        named = [each for each in result.findings if str(path) in each.detail]
        assert {(each.reason, each.outcome) for each in named} == {(Reason.altered, GateOutcome.missing)}, name
        assert result.exit_code(strict=False) == 3
        path.write_bytes(content)


@pytest.mark.parametrize("name", ["plan.json", "grid.toml"])
@pytest.mark.parametrize("damage", ["flipped", "cut"])
def test_a_plan_or_grid_file_that_is_altered_is_refused_by_name(store: Store, name: str, damage: str) -> None:
    path = store.path / name
    content = path.read_bytes()
    DAMAGES[damage](path, path)
    for reading in (lambda: gather([store]), lambda: recorded(store)):
        with pytest.raises(AlteredError, match="`ablate run` writes it anew") as error:
            reading()
        assert error.value.damage.path == Path(path)
    path.write_bytes(content)


def test_figures_of_other_codecs_that_were_altered_are_named_and_not_drawn(store: Store) -> None:
    path = store.root / ".shared" / "data" / "anchors-jpeg-0123.json"
    write_figures(path, {"smallest": {"psnr": 30.0}})
    assert read_figures(path) == {"smallest": {"psnr": 30.0}}
    path.write_text(path.read_text().replace("30.0", "31.0"))
    with pytest.raises(AlteredError, match="`ablate references` measures anew"):
        read_figures(path)
    found = [damage for each in verify(store.root, targets(store.root)) for damage in each.found.damages]
    assert [damage.path for damage in found] == [path]
    path.unlink()
