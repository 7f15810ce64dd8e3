from __future__ import annotations

import constriction
import numpy as np
import pytest
import torch

from ablate.codecs.entropy.factorized import Factorized
from ablate.codecs.entropy.tables import LONGEST, TOTAL, decode, encode, factorized_tables, gaussian_tables


def coded(symbols: np.ndarray, which: np.ndarray) -> np.ndarray:
    coder = constriction.stream.queue.RangeEncoder()
    encode(symbols, which, gaussian_tables(), coder)
    return coder.get_compressed()


def test_frequencies_are_whole_and_add_up():
    for table in (*gaussian_tables(), *factorized_tables(Factorized(3))):
        assert sum(table.frequencies) == TOTAL
        assert min(table.frequencies) >= 1


def test_every_number_comes_back_whatever_its_table_expects():
    random = np.random.default_rng(0)
    which = random.integers(0, 64, 5000)
    symbols = (random.standard_normal(5000) * 10 ** random.uniform(-1, 6, 5000)).astype(np.int32)
    symbols[:4] = (0, -1, LONGEST - 1, 1 - LONGEST)
    reader = constriction.stream.queue.RangeDecoder(coded(symbols, which))
    assert np.array_equal(decode(which, gaussian_tables(), reader), symbols)


def test_numbers_beyond_the_format_are_refused():
    with pytest.raises(ValueError, match="beyond what a file can hold"):
        coded(np.array([LONGEST], np.int32), np.zeros(1, np.intp))


def test_files_take_the_entropy_of_their_tables():
    """Symbols that are drawn from a table cost what it says, to half a percent."""
    random, table = np.random.default_rng(0), gaussian_tables()[40]
    shares = np.array(table.frequencies[:-1]) / sum(table.frequencies[:-1])
    symbols = (random.choice(len(shares), 200_000, p=shares) + table.first).astype(np.int32)
    bits = 32 * len(coded(symbols, np.full(200_000, 40)))
    entropy = -200_000 * float((shares * np.log2(shares)).sum())
    assert bits == pytest.approx(entropy, rel=5e-3)


def test_tables_of_a_factorized_model_are_its_probabilities():
    torch.manual_seed(0)
    model = Factorized(2)
    for channel, table in enumerate(factorized_tables(model)):
        symbols = torch.arange(table.first, table.first + table.escape, dtype=torch.float32)
        with torch.no_grad():
            known = model(symbols.expand(1, 2, 1, -1).contiguous())[0, channel, 0].double().numpy()
        shares = np.array(table.frequencies[:-1]) / TOTAL
        # The escape takes 1 / 65,536, each rare symbol as much, all from the most frequent one.
        assert np.abs(shares - known).max() < 5e-3
        assert 1 - known.sum() < 2e-3
