# ruff: noqa: RUF005, RUF059
# mypy: disable-error-code="assignment, var-annotated"
# (Triton's language has no star in a tuple, and its tuples grow while the kernel is traced.)
"""Whole planes in registers: where cells lie, how they are read and written, who their neighbours are.

A field of a program is a tuple of ``rows * columns`` tensors of shape (warps, 32), one value a thread and
tensor: `pde_ops.triton.plan` says which cell that is. Neighbours come from another member of the tuple or
through `tl.gather`: a warp shuffle, or, between groups of a column in different warps, a trip through
shared memory that Triton places and synchronises.

Where a neighbour lies outside a zero-flux domain, the cell's own value of a second field stands in,
``down_own`` or ``up_own``: the state itself (even continuation), minus the velocity (odd continuation) or,
in the transposed stencil, the weight of the opposite neighbour.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def geometry(planes, plan: tl.constexpr):
    """Where each thread's first cell lies: offset in the program's planes, whether it exists, its place."""
    WARPS: tl.constexpr = plan.warps
    PADDED: tl.constexpr = plan.padded
    LANES: tl.constexpr = plan.lanes
    lane = tl.arange(0, 32)[None, :] + tl.full((WARPS, 32), 0, tl.int32)
    thread = tl.arange(0, WARPS)[:, None] * 32 + lane
    group = thread // LANES % PADDED
    plane = thread // (LANES * PADDED)
    column = thread % LANES
    offsets = plane * (plan.height * plan.width) + group * (plan.rows * plan.width) + column
    mask = (plane < planes) & (group < plan.groups) & (column < plan.width // plan.columns)
    return offsets, mask, (thread, lane, group, column)


@triton.jit
def load(ptr, constant, offsets, mask, place, plan: tl.constexpr):
    """A field in registers, float32; ``constant`` everywhere where there is no tensor."""
    WARPS: tl.constexpr = plan.warps
    ROWS: tl.constexpr = plan.rows
    COLUMNS: tl.constexpr = plan.columns
    APART: tl.constexpr = plan.width // plan.columns
    field = ()
    for q in tl.static_range(ROWS):
        for c in tl.static_range(COLUMNS):
            if ptr is None:
                value = tl.full((WARPS, 32), 0.0, tl.float32) + constant
            else:
                here = mask
                if q >= plan.last:
                    here = mask & (place[2] < plan.groups - 1)
                value = tl.load(ptr + offsets + (q * plan.width + c * APART), mask=here, other=0.0)
            field = field + (value.to(tl.float32),)
    return field


@triton.jit
def store(ptr, field, offsets, mask, place, plan: tl.constexpr):
    """Write a field, rounded to the tensor's type."""
    ROWS: tl.constexpr = plan.rows
    COLUMNS: tl.constexpr = plan.columns
    APART: tl.constexpr = plan.width // plan.columns
    for q in tl.static_range(ROWS):
        for c in tl.static_range(COLUMNS):
            here = mask
            if q >= plan.last:
                here = mask & (place[2] < plan.groups - 1)
            value = field[q * COLUMNS + c].to(ptr.dtype.element_ty)
            tl.store(ptr + offsets + (q * plan.width + c * APART), value, mask=here)


@triton.jit
def exchange(down, up, place, plan: tl.constexpr):
    """``down`` of the column's previous group and ``up`` of its next group, cyclically."""
    thread, lane, group, column = place
    previous = ((group + (plan.groups - 1)) % plan.groups - group) * plan.lanes
    following = ((group + 1) % plan.groups - group) * plan.lanes
    if plan.across:
        # One trip through shared memory for both: [warp, lane, which] as one line of values.
        SHAPE: tl.constexpr = (plan.warps, 32, 2)
        index = tl.join((thread + previous) * 2, (thread + following) * 2 + 1)
        both = tl.gather(tl.join(down, up).reshape(plan.warps * 64), index.reshape(plan.warps * 64), 0)
        return tl.split(both.reshape(SHAPE))
    return tl.gather(down, lane + previous, 1), tl.gather(up, lane + following, 1)


@triton.jit
def rows(down, down_own, up, up_own, place, plan: tl.constexpr):
    """``down``'s values ``dx`` rows towards lower indices, and ``up``'s towards higher indices."""
    ROWS: tl.constexpr = plan.rows
    LAST: tl.constexpr = plan.last
    COLUMNS: tl.constexpr = plan.columns
    DX: tl.constexpr = plan.dx
    ends = place[2] == plan.groups - 1
    lower, upper, from_below, from_above = (), (), (), ()
    if plan.groups > 1:  # then dx <= last <= rows
        for i in tl.static_range(DX * COLUMNS):
            value = down[(ROWS - DX) * COLUMNS + i]
            if LAST < ROWS:
                value = tl.where(ends, down[(LAST - DX) * COLUMNS + i], value)
            below, above = exchange(value, up[i], place, plan)
            if not plan.periodic:
                below = tl.where(place[2] == 0, down_own[i], below)
                above = tl.where(ends, up_own[(LAST - DX) * COLUMNS + i], above)
            from_below = from_below + (below,)
            from_above = from_above + (above,)
    for q in tl.static_range(ROWS):
        for c in tl.static_range(COLUMNS):
            if q >= DX:
                lower = lower + (down[(q - DX) * COLUMNS + c],)
            elif plan.groups > 1:
                lower = lower + (from_below[q * COLUMNS + c],)
            elif plan.periodic:
                lower = lower + (down[((q - DX) % ROWS) * COLUMNS + c],)
            else:
                lower = lower + (down_own[q * COLUMNS + c],)
            if q + DX < LAST:
                value = up[(q + DX) * COLUMNS + c]
            elif plan.groups > 1:
                if q + DX < ROWS:
                    value = up[(q + DX) * COLUMNS + c]
                else:
                    value = from_above[(q + DX - ROWS) * COLUMNS + c]
                if LAST < ROWS and q < LAST:
                    value = tl.where(ends, from_above[(q + DX - LAST) * COLUMNS + c], value)
            elif plan.periodic:
                value = up[((q + DX) % ROWS) * COLUMNS + c]
            else:
                value = up_own[q * COLUMNS + c]
            upper = upper + (value,)
    return lower, upper


@triton.jit
def columns(down, down_own, up, up_own, place, plan: tl.constexpr):
    """``down``'s values ``dy`` columns towards lower indices, and ``up``'s towards higher indices.

    Column j is member j // APART of the tuple in lane j % APART: ``dy`` columns are FAR members and NEAR
    lanes, and one member more where the lane wraps around.
    """
    ROWS: tl.constexpr = plan.rows
    COLUMNS: tl.constexpr = plan.columns
    APART: tl.constexpr = plan.width // plan.columns
    FAR: tl.constexpr = plan.dy // APART
    NEAR: tl.constexpr = plan.dy % APART
    thread, lane, group, column = place
    before = lane - column + (column + (APART - NEAR)) % APART
    after = lane - column + (column + NEAR) % APART
    lower, upper = (), ()
    for q in tl.static_range(ROWS):
        low, high = (), ()
        for c in tl.static_range(COLUMNS):
            low = low + (tl.gather(down[q * COLUMNS + c], before, 1),)
            high = high + (tl.gather(up[q * COLUMNS + c], after, 1),)
        for c in tl.static_range(COLUMNS):
            below, above = low[(c - FAR) % COLUMNS], high[(c + FAR) % COLUMNS]
            if COLUMNS > 1:
                below = tl.where(column < NEAR, low[(c - FAR - 1) % COLUMNS], below)
                above = tl.where(column >= APART - NEAR, high[(c + FAR + 1) % COLUMNS], above)
            if not plan.periodic:
                below = tl.where(column < plan.dy - c * APART, down_own[q * COLUMNS + c], below)
                above = tl.where(column >= plan.width - plan.dy - c * APART, up_own[q * COLUMNS + c], above)
            lower = lower + (below,)
            upper = upper + (above,)
    return lower, upper
