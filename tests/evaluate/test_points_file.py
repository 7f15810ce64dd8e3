"""Points of others: CompressAI's JSON, NeuralCompression's and HiFiC's tables, plain columns."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ablate.evaluate.points_file import read_curve


def read(path: Path, text: str, columns: dict[str, str] | None = None, **which: str | None):
    path.write_text(text)
    return read_curve(path, columns or {}, **{"model": None, "dataset": None, **which})


def test_compressais_results_are_one_curve_in_the_order_of_their_bits(tmp_path: Path) -> None:
    results = {"bpp": [0.4, 0.2], "psnr-rgb": [31.5, 28.0], "ms-ssim-rgb": [0.96, 0.9], "encoding_time": [1, 2]}
    content = {"name": "made-up", "description": "an example", "results": results}
    found = read(tmp_path / "a.json", json.dumps(content))
    assert found.model == "made-up"
    assert found.points == (
        {"bpp_actual": 0.2, "psnr": 28.0, "ms_ssim": 0.9},
        {"bpp_actual": 0.4, "psnr": 31.5, "ms_ssim": 0.96},
    )


NEURAL = """model,dataset,bpp,fid,kid,lpips,ms_ssim,psnr
A,kodak,0.05,,,0.15,0.85,24.5
A,kodak,0.10,,,0.11,0.90,26.0
A,clic2020,0.04,6.2,0.001,0.11,0.89,27.5
B,kodak,0.02,,,0.20,0.80,24.0
"""


def test_neural_compressions_table_has_a_curve_for_each_model_and_data_set(tmp_path: Path) -> None:
    found = read(tmp_path / "results.csv", NEURAL, {"lpips_alex": "lpips"}, model="A", dataset="kodak")
    assert [point["psnr"] for point in found.points] == [24.5, 26.0]
    assert found.points[0] == {
        "bpp_actual": 0.05, "psnr": 24.5, "ms_ssim": 0.85, "fid": None, "lpips_alex": 0.15,
    }  # fmt: skip
    with pytest.raises(ValueError, match=r'2 curves are meant; .*curve = "A", dataset = "clic2020"'):
        read(tmp_path / "results.csv", NEURAL, model="A")
    with pytest.raises(ValueError, match="0 curves are meant"):
        read(tmp_path / "results.csv", NEURAL, model="C")


def test_hifics_table_has_an_unnamed_index_and_capitals(tmp_path: Path) -> None:
    text = ",dataset,bpp,FID,KID,NIQE,LPIPS,MS-SSIM,PSNR\n0,clic2020,0.1,4.2,0.001,9.4,0.05,0.95,30.5\n"
    (point,) = read(tmp_path / "data.csv", text).points
    assert point == {"bpp_actual": 0.1, "fid": 4.2, "ms_ssim": 0.95, "psnr": 30.5}


def test_a_declared_column_comes_before_one_that_is_called_like_the_metric(tmp_path: Path) -> None:
    columns = {"lpips_alex": "LPIPS", "psnr": "PSNR-Y"}
    text = "dataset,bpp,LPIPS,PSNR,PSNR_Y\nclic2020,0.1,0.05,30.5,32.5\n"
    (point,) = read(tmp_path / "data.csv", text, columns).points
    assert point == {"bpp_actual": 0.1, "lpips_alex": 0.05, "psnr": 32.5}
    results = {"bpp": [0.1], "LPIPS": [0.05], "psnr": [30.5], "psnr-y": [32.5]}
    (point,) = read(tmp_path / "a.json", json.dumps({"results": results}), columns).points
    assert point == {"bpp_actual": 0.1, "lpips_alex": 0.05, "psnr": 32.5}
    with pytest.raises(ValueError, match=r"unknown column .lpip.*lpips"):
        read(tmp_path / "data.csv", text, {"lpips_alex": "LPIP"})


def test_plain_columns_are_enough(tmp_path: Path) -> None:
    found = read(tmp_path / "plain.csv", "name,bpp,psnr\nBPG,0.2,29\nBPG,0.1,27\n")
    assert (found.model, [point["bpp_actual"] for point in found.points]) == ("BPG", [0.1, 0.2])


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.json", "{", "a.json: "),
        ("a.json", "[]", "CompressAI"),
        ("a.json", '{"results": {"bpp": [1, 2], "psnr": [1]}}', "unequal length: bpp has 2, psnr has 1"),
        ("a.json", '{"results": {"bpp": [NaN]}}', "bpp of point 1 is nan"),
        ("a.csv", "bpp,psnr\n0.1\n", "line 2 has not 2 fields"),
        ("a.csv", "bpp,psnr\n0.1,high\n", "psnr of point 1 is no number: 'high'"),
        ("a.csv", "bpp,psnr\n0,20\n", "no bits per pixel above 0"),
        ("a.csv", "psnr\n20\n", "no bits per pixel above 0"),
        ("a.csv", "", "no rows"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, name: str, text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        read(tmp_path / name, text)
