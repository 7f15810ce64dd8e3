import os
import socket

from ablate.bench.environment import surroundings


def test_what_is_recorded_names_no_host_and_no_path(monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "/home/somebody")
    monkeypatch.setenv("TORCHINDUCTOR_FREEZING", "1")
    facts = surroundings("cpu")
    assert facts["switches"]["TORCHINDUCTOR_FREEZING"] == "1"
    told = repr(facts)
    assert "/home/somebody" not in told
    assert os.getcwd() not in told
    assert socket.gethostname() not in told


def test_the_hash_of_the_sources_changes_with_a_kernel(monkeypatch, tmp_path):
    import ablate
    import ablate.bench.environment as environment

    before = environment._digest()
    for part in ("kernels", "losses"):
        (tmp_path / part).mkdir()
    source = tmp_path / "kernels" / "fast.c"
    source.write_text("int a;")
    monkeypatch.setattr(ablate, "__file__", str(tmp_path / "__init__.py"))
    first = environment._digest()
    source.write_text("int b;")
    assert len({before, first, environment._digest()}) == 3
