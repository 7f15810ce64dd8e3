import hashlib

import pytest

from ablate.execute.shard import Shard

IDS = [hashlib.sha256(str(number).encode()).hexdigest()[:12] for number in range(4000)]


@pytest.mark.parametrize("of", [1, 3, 8])
def test_every_cell_is_in_one_shard_and_shards_are_about_alike(of: int):
    shards = [Shard.read(f"{number}/{of}") for number in range(1, of + 1)]
    counts = [sum(each in shard for each in IDS) for shard in shards]
    assert all(sum(each in shard for shard in shards) == 1 for each in IDS)
    assert max(counts) < 1.2 * min(counts)


def test_a_shard_of_a_cell_is_its_ids_alone():
    """A grid that grows moves no cell, on whatever machine it is planned."""
    assert "00000000000a" in Shard.read("3/8")
    assert "00000000000b" in Shard.read(" 4 / 8 ")


@pytest.mark.parametrize("text", ["0/8", "9/8", "1", "1/0", "a/b", "-1/8", "1/8/2", ""])
def test_what_is_no_shard_is_refused(text: str):
    with pytest.raises(ValueError, match="2/8 is the second of eight"):
        Shard.read(text)
