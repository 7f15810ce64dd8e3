"""Runs of Weights & Biases as they lie on this machine before `wandb sync`, read by the package's own messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ablate.records import Status
from tests.trackers.attempts import PARAMETERS, attempt, made_entry

pytest.importorskip("wandb")
pytestmark = pytest.mark.filterwarnings("ignore")

BLOCK, HEADER, FILE_HEADER = 32768, 7, 7


def messages(path: Path) -> Iterator[Any]:
    """Yields the messages of a transaction log, which has LevelDB's form: blocks of chunks with length and kind."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, whole = path.read_bytes(), FILE_HEADER, b""
    while at + HEADER <= len(content):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        length, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        whole += content[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in (1, 4):  # a whole message, or its last chunk
            yield Record.FromString(whole)
            whole = b""


def rows(records: list[Any]) -> list[dict[str, Any]]:
    found = [each.history for each in records if each.WhichOneof("record_type") == "history"]
    return [{item.key or item.nested_key[0]: json.loads(item.value_json) for item in row.item} for row in found]


def test_attempts_are_parts_of_one_run_and_tell_every_log_point_once(tmp_path: Path):
    entry = made_entry(tmp_path)
    attempt(entry, ["wandb"], 0, [1, 4, 8], Status.failed)
    attempt(entry, ["wandb"], 4, [8, 12], Status.done, {"ema": {"psnr": 30.5, "ms_ssim": None}})
    assert list(entry.events()) == [], "no tracker failed"

    assert list(tmp_path.rglob("requirements.txt")) == [], "nor was the machine looked at"
    logs = sorted((tmp_path / "runs/losses/wandb/wandb").glob("offline-run-*/run-0123456789ab.wandb"))
    first, second = (list(messages(path)) for path in logs)
    told = [row for row in rows(first) + rows(second) if "loss/generator" in row]
    assert [(row["_step"], row["loss/generator"]) for row in told] == [(step, 1 / step) for step in (1, 4, 8, 12)]
    assert [row["_step"] for row in rows(second) if "test/lena" in row] == [12]

    (run,) = [each.run for each in first if each.WhichOneof("record_type") == "run"]
    assert (run.run_id, run.display_name, run.project) == ("0123456789ab", "hinge seed=0 0123456789ab", "losses")
    config = {
        item.key or item.nested_key[0]: json.loads(item.value_json)
        for each in first
        if each.WhichOneof("record_type") == "config"
        for item in each.config.update
    }
    assert {**PARAMETERS, "loss.penalties": []}.items() <= config.items()
    summary = {
        item.key or item.nested_key[0]: json.loads(item.value_json)
        for each in second
        if each.WhichOneof("record_type") == "summary"
        for item in each.summary.update
    }
    assert (summary["final/ema/psnr"], summary["status"]) == (30.5, "done")
