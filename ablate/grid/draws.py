"""The points that trials are drawn at: a seeded Sobol sequence, the same for every arm."""

from __future__ import annotations

from collections.abc import Sequence


def draw(keys: Sequence[str], trials: int, seed: int) -> list[dict[str, float]]:
    """Returns for each trial a share from 0 to 1 by key.

    A scrambled Sobol sequence covers a box more evenly than independent draws (Sobol 1967; Owen 1998). A key has the
    same shares whichever arm reads them, so that arms differ in no draw that they share.
    """
    import numpy as np
    from scipy.stats import qmc

    # The sequence is balanced in powers of two, and is drawn in such; fewer trials take its beginning.
    engine = qmc.Sobol(len(keys), scramble=True, seed=np.random.Generator(np.random.PCG64(seed)))
    points = engine.random_base2(max(0, (trials - 1).bit_length()))[:trials]
    return [dict(zip(keys, map(float, point), strict=True)) for point in points]
