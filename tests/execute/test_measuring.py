"""What finished cells lack of what their grid measures."""

from __future__ import annotations

from typing import Any

from ablate.config import Evaluation
from ablate.execute.measuring import Wish, _missing
from ablate.metrics import metrics
from ablate.records import Result

ALL = Wish()


def lacking(result: dict[str, Any], evaluation: Evaluation, images: str = "test", wish: Wish = ALL) -> list[str]:
    record = Result(schema=1, id="0" * 12, status="done", step=1, seconds=1.0, protocol=result)
    return _missing(record, evaluation, images, wish)


def whole(evaluation: Evaluation, images: str = "") -> dict[str, Any]:
    """The protocol of a cell that was measured before there was more of a kept region than PSNR and bits."""
    facts = {"region": evaluation.kept, "patch": evaluation.patch, "extractor": "lite0", "tap": 112}
    names = [name for name in evaluation.measured if not metrics[name].stands_in_for]
    return {name + images: facts for name in (*names, "psnr@kept", "bpp_actual@kept")}


def test_what_a_kept_region_lacks_is_missing_where_somebody_asks_and_not_at_every_run() -> None:
    boxes = Evaluation(kept="random_box", metrics=("bpp_side",))
    apart = ["ssim", "ms_ssim", "fd_lite0_112", "kid_paired_lite0_112", "ms_ssim_3"]
    assert sorted(lacking(whole(boxes), boxes)) == sorted(apart)
    assert lacking(whole(boxes), boxes, wish=Wish(declared=True)) == []
    assert lacking(whole(boxes), boxes, wish=Wish(metrics=("ssim",))) == ["ssim"]
    there = whole(boxes) | {f"{name}@kept": whole(boxes)["psnr"] for name in apart}
    assert lacking(there, boxes) == []
    assert sorted(lacking(whole(boxes, "@kodak"), boxes, "kodak")) == sorted(apart)


def test_where_all_is_kept_nothing_of_regions_is_missing() -> None:
    every = Evaluation()
    assert lacking(whole(every), every) == []


def test_figures_of_another_region_are_missing_altogether() -> None:
    boxes, instances = Evaluation(kept="random_box"), Evaluation(kept="random_instance")
    assert set(whole(boxes)) - {"psnr@kept", "bpp_actual@kept"} <= set(lacking(whole(boxes), instances))
