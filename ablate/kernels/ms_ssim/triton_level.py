"""One level of MS-SSIM on a GPU: its maps, what they say of its pixels, and the next level.

A program goes down a strip of a plane with one column a thread. The window's 11 taps across a row come from the L1
cache; those down the rows are a chain of 10 sums in registers, one for each window that has begun and not ended. The
equations and the maps' names are those of ms_ssim.c.
"""

from __future__ import annotations

import triton
import triton.language as tl

from ablate.losses import structure

T0, T1, T2, T3, T4, T5 = (tl.constexpr(tap) for tap in structure.TAPS[:6])
TWO_C1, TWO_C2 = tl.constexpr(2 * structure.C1), tl.constexpr(2 * structure.C2)
BLACK = tl.constexpr(structure.BLACK)


@triton.jit
def _tap(k: tl.constexpr):
    """Returns one of the window's 11 taps."""
    if k == 0 or k == 10:
        return T0
    elif k == 1 or k == 9:  # noqa: RET505 - only whole branches are left out
        return T1
    elif k == 2 or k == 8:
        return T2
    elif k == 3 or k == 7:
        return T3
    elif k == 4 or k == 6:
        return T4
    else:
        return T5


@triton.jit
def _none(COLUMNS: tl.constexpr):
    """Returns ten sums of windows that have not begun."""
    zero = tl.zeros((COLUMNS,), tl.float32)
    return (zero, zero, zero, zero, zero, zero, zero, zero, zero, zero)


@triton.jit
def _push(begun, row):
    """Adds a row to the windows that have begun; returns the one that it ends, and those that go on."""
    ended = begun[9] + T0 * row
    going = (
        T0 * row,
        begun[0] + T1 * row,
        begun[1] + T2 * row,
        begun[2] + T3 * row,
        begun[3] + T4 * row,
        begun[4] + T5 * row,
        begun[5] + T4 * row,
        begun[6] + T3 * row,
        begun[7] + T2 * row,
        begun[8] + T1 * row,
    )
    return ended, going


@triton.jit
def measure_kernel(
    x_of,
    y_of,
    maps,
    partial,
    height,
    width,
    COARSEST: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Writes the maps of a level and each program's sum of dissimilarities.

    x, y: (planes, height, width). maps: (3, planes, height - 10, width - 10), in the order p, q_s, q_d.
    partial: (planes, strips, blocks of columns).
    """
    block, strip, plane = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    high, wide = height - 10, width - 10
    column = block * COLUMNS + tl.arange(0, COLUMNS)
    first = strip * ROWS
    x_of += plane.to(tl.int64) * height * width
    y_of += plane.to(tl.int64) * height * width
    size = high.to(tl.int64) * wide
    maps += plane * size
    whole = tl.num_programs(2) * size
    means_s, means_d, squares_s, squares_d = _none(COLUMNS), _none(COLUMNS), _none(COLUMNS), _none(COLUMNS)
    total = tl.zeros((COLUMNS,), tl.float32)
    for i in range(ROWS + 10):
        row = first + i
        # Compared in each lane: the interpreter does not take a mask of one value in a loop.
        inside = (column < wide) & (column * 0 + row < height)
        across_s = tl.zeros((COLUMNS,), tl.float32)
        across_d = tl.zeros((COLUMNS,), tl.float32)
        across_ss = tl.zeros((COLUMNS,), tl.float32)
        across_dd = tl.zeros((COLUMNS,), tl.float32)
        for k in tl.static_range(11):
            x = tl.load(x_of + row * width + column + k, mask=inside, other=0.0).to(tl.float32)
            y = tl.load(y_of + row * width + column + k, mask=inside, other=0.0).to(tl.float32)
            s, d = x + y, x - y
            across_s += _tap(k) * s
            across_d += _tap(k) * d
            across_ss += _tap(k) * (s * s)
            across_dd += _tap(k) * (d * d)
        m_s, means_s = _push(means_s, across_s)
        m_d, means_d = _push(means_d, across_d)
        g_ss, squares_s = _push(squares_s, across_ss)
        g_dd, squares_d = _push(squares_d, across_dd)
        v_s, v_d = g_ss - m_s * m_s, g_dd - m_d * m_d
        inverse = 1.0 / (v_s + v_d + TWO_C2)
        unlike = 2 * v_d * inverse
        q_s = 2 * v_d * inverse * inverse
        q_d = -2 * (v_s + TWO_C2) * inverse * inverse
        light_s = tl.zeros((COLUMNS,), tl.float32)
        light_d = tl.zeros((COLUMNS,), tl.float32)
        if COARSEST:
            bright = m_s - 2 * BLACK
            a, b = bright * bright, m_d * m_d
            share = 1.0 / (a + b + TWO_C1)
            darker = 2 * b * share
            slope = 4 * (1 - unlike) * share * share
            light_s = slope * b * bright
            light_d = -slope * m_d * (a + TWO_C1)
            unlike = darker + unlike - darker * unlike
            q_s *= 1 - darker
            q_d *= 1 - darker
        p_s, p_d = light_s - 2 * m_s * q_s, light_d - 2 * m_d * q_d
        out = row - 10
        ends = (column < wide) & (column * 0 + i >= 10) & (column * 0 + out < high)
        total += tl.where(ends, unlike, 0.0)
        at = maps + out.to(tl.int64) * wide + column
        tl.store(at, p_s + p_d, mask=ends)
        tl.store(at + whole, q_s, mask=ends)
        tl.store(at + 2 * whole, q_d, mask=ends)
    number = (plane * tl.num_programs(1) + strip) * tl.num_programs(0) + block
    tl.store(partial + number, tl.sum(total, axis=0))


@triton.jit
def _across(of, at, column, wide, inside):
    """Averages a row of a map under the window that hangs over both of its ends."""
    total = tl.zeros(column.shape, tl.float32)
    for k in tl.static_range(11):
        from_ = column - k
        total += _tap(k) * tl.load(of + at - k, mask=inside & (from_ >= 0) & (from_ < wide), other=0.0)
    return total


@triton.jit
def spread_kernel(
    x_of,
    y_of,
    maps,
    factors,
    coarse,
    gradient,
    height,
    width,
    COARSEST: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Spreads a level's maps back over its pixels, times the plane's factor, and adds a quarter of the coarser level's.

    x, y, gradient: (planes, height, width); factors: (planes,); coarse: (planes, ceil(height / 2), ceil(width / 2)).
    """
    block, strip, plane = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    high, wide = height - 10, width - 10
    column = block * COLUMNS + tl.arange(0, COLUMNS)
    first = strip * ROWS
    size = high.to(tl.int64) * wide
    whole = tl.num_programs(2) * size
    p_of = maps + plane * size
    offset = plane.to(tl.int64) * height * width
    coarse_wide = (width + 1) // 2
    coarse_offset = plane.to(tl.int64) * ((height + 1) // 2) * coarse_wide
    factor = tl.load(factors + plane)
    ps, qs_s, qs_d = _none(COLUMNS), _none(COLUMNS), _none(COLUMNS)
    for i in range(ROWS + 10):
        row = first - 10 + i  # of the maps; its window ends at this row of pixels
        inside = (column * 0 + row >= 0) & (column * 0 + row < high)
        at = row.to(tl.int64) * wide + column
        p, ps = _push(ps, _across(p_of, at, column, wide, inside))
        q_s, qs_s = _push(qs_s, _across(p_of + whole, at, column, wide, inside))
        q_d, qs_d = _push(qs_d, _across(p_of + 2 * whole, at, column, wide, inside))
        here = (column < width) & (column * 0 + i >= 10) & (column * 0 + row < height)
        pixel = offset + row.to(tl.int64) * width + column
        x = tl.load(x_of + pixel, mask=here, other=0.0).to(tl.float32)
        y = tl.load(y_of + pixel, mask=here, other=0.0).to(tl.float32)
        of_x = factor * (p + 2 * (x + y) * q_s + 2 * (x - y) * q_d)
        if not COARSEST:
            parent = coarse_offset + ((row + height % 2) // 2).to(tl.int64) * coarse_wide + (column + width % 2) // 2
            of_x += 0.25 * tl.load(coarse + parent, mask=here, other=0.0)
        tl.store(gradient + pixel, of_x.to(gradient.dtype.element_ty), mask=here)


@triton.jit
def _at(of, row, column, width, wanted):
    """Reads pixels, black before the first row and column."""
    there = (row >= 0) & (column >= 0)
    value = tl.load(of + row * width + column, mask=wanted & there, other=0.0).to(tl.float32)
    return tl.where(there, value, BLACK)


@triton.jit
def halve_kernel(x_of, y_of, half_x, half_y, height, width, PIXELS: tl.constexpr):
    """Averages 2 x 2 pixels of both images; a side of odd length has black before its first pixel."""
    plane = tl.program_id(1).to(tl.int64)
    high, wide = (height + 1) // 2, (width + 1) // 2
    at = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    wanted = at < high * wide
    row, column = 2 * (at // wide) - height % 2, 2 * (at % wide) - width % 2
    x_of += plane * height * width
    y_of += plane * height * width
    x = _at(x_of, row, column, width, wanted) + _at(x_of, row, column + 1, width, wanted)
    y = _at(y_of, row, column, width, wanted) + _at(y_of, row, column + 1, width, wanted)
    x += _at(x_of, row + 1, column, width, wanted) + _at(x_of, row + 1, column + 1, width, wanted)
    y += _at(y_of, row + 1, column, width, wanted) + _at(y_of, row + 1, column + 1, width, wanted)
    tl.store(half_x + plane * high * wide + at, 0.25 * x, mask=wanted)
    tl.store(half_y + plane * high * wide + at, 0.25 * y, mask=wanted)
