import io
import json

import numpy as np
import pytest
from PIL import Image

from ablate.execute.machine import inspect_machine
from ablate.sources.photos import photo_directory
from tests.execute.processes import ROOT

GRID = """
schema = 1
name = "ill"
[base]
preset = "tiny"
data.crop = 32
model.width = 4
discriminator.width = 4
train.warmup_steps = 0
{more}
[axes]
"loss.adversarial" = ["hinge", "lsgan"]
"""


def test_the_machine_alone_is_looked_over(ablate_in):
    said = ablate_in("doctor")
    assert said.exit_code == 0
    assert {"processor", "gpu", "disk"} <= {
        line.split()[1].rstrip(":") for line in said.output.splitlines() if ":" in line
    }


def test_an_output_that_lacks_characters_is_told_beforehand(monkeypatch, tmp_path):
    for encoding, verdict in (("latin-1", "warning"), ("UTF-8", "ok")):
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
        (found,) = [finding for finding in inspect_machine(tmp_path) if finding.check == "output"]
        assert found.verdict == verdict


def test_a_sound_grid_passes_and_each_loss_is_looked_at_once(ablate_in, tmp_path):
    (tmp_path / "grid.toml").write_text(GRID.format(more=""))
    said = ablate_in("doctor", "grid.toml", "--json")
    assert said.exit_code == 0, said.output
    found = json.loads(said.output)
    encoders = [finding for finding in found if finding["check"] == "encoder"]
    assert [finding["of"] for finding in encoders] == ["adversarial=hinge seed=0", "adversarial=lsgan seed=0"]
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def own_images(tmp_path):
    """A grid of own images, one of another colour profile, and a link to a directory."""
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        for number in range(2):
            pixels = np.random.default_rng([number, len(split)]).integers(0, 256, (48, 176, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / split / f"{number}.png")
    rocket = Image.open(photo_directory() / "rocket.jpg")
    rocket.crop((0, 0, 64, 64)).save(tmp_path / "train" / "adobe.png", icc_profile=rocket.info["icc_profile"])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "train" / "more").symlink_to(tmp_path / "elsewhere")
    data = 'data.source = "folder"\ndata.train = "train"\ndata.test = "test"\n'
    return lambda more="": (tmp_path / "grid.toml").write_text(GRID.format(more=data + more))


def looked_at(ablate_in) -> dict[str, dict[str, str]]:
    return {finding["check"]: finding for finding in json.loads(ablate_in("doctor", "grid.toml", "--json").stdout)}


def test_links_colours_and_sizes_of_images_are_told_beforehand(ablate_in, own_images, tmp_path, monkeypatch):
    own_images()
    found = looked_at(ablate_in)
    assert found["links"]["verdict"] == "warning"
    assert str(tmp_path / "train" / "more") in found["links"]["found"]
    assert (found["colours"]["verdict"], found["images"]["verdict"]) == ("warning", "ok")
    assert "adobe.png" in found["colours"]["found"]
    assert "convert" in found["colours"]["advice"]
    assert found["sizes"]["verdict"] == "ok"
    monkeypatch.setattr("ablate.memory.available", lambda: 200_000)
    own_images('data.colour_profiles = "convert"')
    (tmp_path / "train" / "more").unlink()
    found = looked_at(ablate_in)
    assert {check: found[check]["verdict"] for check in ("links", "colours", "sizes")} == {
        "links": "ok", "colours": "ok", "sizes": "warning",
    }  # fmt: skip


def test_a_file_that_cannot_be_used_is_a_finding(ablate_in, own_images, tmp_path):
    (tmp_path / "train" / "lost.png").symlink_to("nowhere.png")
    own_images()
    said = ablate_in("doctor", "grid.toml")
    assert said.exit_code == 3
    assert "lost.png: it is a link to nowhere.png, which is not there" in said.output
    own_images('data.on_bad_image = "skip"')
    found = looked_at(ablate_in)["images"]
    assert (found["verdict"], "1 of 6 cannot be used: lost.png" in found["found"]) == ("warning", True)


def test_weights_that_are_absent_are_a_finding_that_says_where_they_are_looked_for(ablate_in, tmp_path, monkeypatch):
    monkeypatch.setenv("ABLATE_VGG19", str(tmp_path / "vgg19.pth"))
    (tmp_path / "grid.toml").write_text(GRID.format(more='loss.perceptual = "vgg"'))
    said = ablate_in("doctor", str(tmp_path / "grid.toml"))
    assert said.exit_code == 3
    assert f"problem  weights: the weights vgg19-dcbb9e9d.pth are absent: there is no file {tmp_path}" in said.output


def test_a_shipped_grid_has_nothing_to_be_warned_of(ablate_in):
    said = ablate_in("doctor", ROOT / "grids" / "quickstart.toml")
    assert said.exit_code == 0
    assert said.output.endswith("0 problems, 0 warnings\n")


def test_a_dead_encoder_is_told_with_what_to_do_and_exit_code_3(ablate_in, tmp_path):
    (tmp_path / "grid.toml").write_text(GRID.format(more="model.quirks.round_kills_encoder = true"))
    said = ablate_in("doctor", "grid.toml")
    assert said.exit_code == 3
    assert "problem  encoder" in said.output
    assert "round_kills_encoder" in said.output


def test_a_store_whose_locks_mean_nothing_is_a_warning_that_says_what_happens_then(tmp_path, monkeypatch):
    monkeypatch.setattr("ablate.store.lock.fcntl.flock", lambda *_: None)
    findings = {finding.check: finding for finding in inspect_machine(tmp_path)}
    assert findings["locking"].verdict == "warning"
    assert "grants everybody the same lock" in findings["locking"].found
    assert "lease files" in findings["locking"].advice
