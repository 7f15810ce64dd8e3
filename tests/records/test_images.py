from pathlib import Path

import pytest

from ablate.records import RecordError
from ablate.records.images import read_images

TABLE = 'weights,image,height,psnr,ms_ssim\nraw,a.png,64,20.5,0.9\nema,"a, b.png",64,inf,\nema,c.png,48,1e1,0.5\n'


def test_figures_are_read_by_image_and_what_is_undefined_or_infinite_is_none(tmp_path: Path) -> None:
    path = tmp_path / "images.csv"
    path.write_text(TABLE)
    assert read_images(path, "ema") == {
        "a, b.png": {"height": 64.0, "psnr": None, "ms_ssim": None},
        "c.png": {"height": 48.0, "psnr": 10.0, "ms_ssim": 0.5},
    }
    assert list(read_images(path, "raw")) == ["a.png"]


@pytest.mark.parametrize(
    "content",
    [None, b"", b"weights,psnr\n", TABLE[:-8].encode(), TABLE.replace("1e1", "nan").encode(), b"weights,image,x\n\xff"],
    ids=["missing", "empty", "without images", "cut", "not a number", "not text"],
)
def test_a_table_that_cannot_be_read_is_named_with_its_remedy(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "images.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordError, match=f"{path} cannot be read .*run the grid again"):
        read_images(path, "ema")
