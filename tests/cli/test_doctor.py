import io
import json

from ablate.execute.machine import inspect_machine

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
