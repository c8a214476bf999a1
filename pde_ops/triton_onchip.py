"""Triton kernels that keep whole planes in registers for all steps, forward and backward.

A field of a program is a tuple of ``rows * columns`` tensors of shape (warps, 32), one value a thread and
tensor: `pde_ops.triton_plan` says which cell that is. All is pure data flow: neighbours come from another
member of the tuple or through `tl.gather` (a warp shuffle; between the groups of a column possibly through
shared memory, which Triton places and synchronises). No kernel writes anything it reads, so there is
nothing to race.

The backward kernel keeps nothing between steps but registers: it integrates again from the inputs to the
state that the adjoint needs, two adjoint steps for each such pass, so K steps cost about K * K / 4 on-chip
steps more (6 at K = 5, 25 at K = 10) and no memory at all.

Where a neighbour lies outside a zero-flux domain, the functions below take the cell's own value from a
second field, ``own``: the state itself (even continuation), minus the velocity (odd continuation) or, in
the transposed stencil, the weight of the opposite neighbour.
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
    lane = tl.arange(0, 32)[None, :] + tl.zeros((WARPS, 32), tl.int32)
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
                value = tl.zeros((WARPS, 32), tl.float32) + constant
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
                above = tl.where(
                    column >= plan.width - plan.dy - c * APART, up_own[q * COLUMNS + c], above
                )
            lower = lower + (below,)
            upper = upper + (above,)
    return lower, upper


@triton.jit
def setup(f, u, v, bx, by, scales, CENTRE: tl.constexpr, place, plan: tl.constexpr):
    """The step's coefficients, divided by L = 1 + 2Bx + 2By, and 1 / L itself.

    ``scales`` = (dt/dx, dt/dy, 2dt/dx^2, 2dt/dy^2, 2dt). CENTRE False: the velocity has no divergence.
    """
    CELLS: tl.constexpr = plan.cells
    if CENTRE:
        minus_u, minus_v = (), ()
        for i in tl.static_range(CELLS):
            minus_u = minus_u + (-u[i],)
            minus_v = minus_v + (-v[i],)
        u_lower, u_upper = rows(u, minus_u, u, minus_u, place, plan)
        v_lower, v_upper = columns(v, minus_v, v, minus_v, place, plan)
    x_lower, x_upper, y_lower, y_upper, centre, source, inverse = (), (), (), (), (), (), ()
    for i in tl.static_range(CELLS):
        dx2, dy2 = bx[i] * scales[2], by[i] * scales[3]  # 2Bx, 2By
        r = 1.0 / (1.0 + dx2 + dy2)
        inverse = inverse + (r,)
        ax, ay = u[i] * scales[0], v[i] * scales[1]
        x_lower = x_lower + ((dx2 - ax) * r,)
        x_upper = x_upper + ((dx2 + ax) * r,)
        y_lower = y_lower + ((dy2 - ay) * r,)
        y_upper = y_upper + ((dy2 + ay) * r,)
        source = source + (f[i] * (scales[4] * r),)
        if CENTRE:
            e = (u_lower[i] - u_upper[i]) * scales[0] + (v_lower[i] - v_upper[i]) * scales[1]
            centre = centre + (-(e * r),)
        else:
            centre = centre + (r * 0.0,)
    return x_lower, x_upper, y_lower, y_upper, centre, source, inverse


@triton.jit
def combine(near, h, p, coefficients, i: tl.constexpr):
    """One cell's next state from its neighbours' states ``near``, its own h and the one before, p."""
    x_lower, x_upper, y_lower, y_upper, centre, source, inverse = coefficients
    value = (2.0 * inverse[i] - 1.0) * p[i] + source[i]  # (1 - 2Bx - 2By) / L = 2 / L - 1
    value += centre[i] * h[i]
    value += x_lower[i] * near[0][i] + x_upper[i] * near[1][i]
    return value + y_lower[i] * near[2][i] + y_upper[i] * near[3][i]


@triton.jit
def neighbours(h, place, plan: tl.constexpr):
    """Lower and upper along the rows, lower and upper along the columns."""
    return rows(h, h, h, h, place, plan) + columns(h, h, h, h, place, plan)


@triton.jit
def advance(h, p, coefficients, place, plan: tl.constexpr):
    """The state one step after h."""
    CELLS: tl.constexpr = plan.cells
    near = neighbours(h, place, plan)
    result = ()
    for i in tl.static_range(CELLS):
        result = result + (combine(near, h, p, coefficients, i),)
    return result


@triton.jit
def forward_kernel(
    out_ptr, h_ptr, f_ptr, u_ptr, v_ptr, bx_ptr, by_ptr, p_ptr, planes, cu, cv, cbx, cby,
    rx, ry, sx, sy, dt2, STEPS: tl.constexpr, plan: tl.constexpr,
):  # fmt: skip
    """``STEPS`` steps of the planes of one program; absent tensors are None."""
    first = tl.program_id(0) * plan.planes
    base = first.to(tl.int64) * (plan.height * plan.width)
    offsets, mask, place = geometry(planes - first, plan)
    offsets = base + offsets
    h = load(h_ptr, 0.0, offsets, mask, place, plan)
    p = h
    if p_ptr is not None:
        p = load(p_ptr, 0.0, offsets, mask, place, plan)
    f = load(f_ptr, 0.0, offsets, mask, place, plan)
    u, v = load(u_ptr, cu, offsets, mask, place, plan), load(v_ptr, cv, offsets, mask, place, plan)
    bx, by = load(bx_ptr, cbx, offsets, mask, place, plan), load(by_ptr, cby, offsets, mask, place, plan)
    CENTRE: tl.constexpr = not plan.periodic or u_ptr is not None or v_ptr is not None
    coefficients = setup(f, u, v, bx, by, (rx, ry, sx, sy, dt2), CENTRE, place, plan)
    for _ in range(STEPS):
        new = advance(h, p, coefficients, place, plan)
        p = h
        h = new
    store(out_ptr, h, offsets, mask, place, plan)


@triton.jit
def adjoint_step(g, waiting, sums, now, before, after, KNOWN: tl.constexpr, coefficients, place, plan: tl.constexpr):
    """One transposed step and what it adds to the coefficients' gradients.

    g and waiting: gradients with respect to the states after and now (the latter's part that is known);
    ``after`` is read only if KNOWN, otherwise computed.
    """
    CELLS: tl.constexpr = plan.cells
    x_lower, x_upper, y_lower, y_upper, centre, source, inverse = coefficients
    near = neighbours(now, place, plan)
    s_ax, s_ay, s_bx, s_by, s_e, s_f = sums
    t_ax, t_ay, t_bx, t_by, t_e, t_f = (), (), (), (), (), ()
    w_xl, w_xu, w_yl, w_yu = (), (), (), ()
    for i in tl.static_range(CELLS):
        if KNOWN:
            both = before[i] + after[i]
        else:
            both = before[i] + combine(near, now, before, coefficients, i)
        t_ax = t_ax + (s_ax[i] + g[i] * (near[1][i] - near[0][i]),)
        t_ay = t_ay + (s_ay[i] + g[i] * (near[3][i] - near[2][i]),)
        t_bx = t_bx + (s_bx[i] + g[i] * (near[1][i] + near[0][i] - both),)
        t_by = t_by + (s_by[i] + g[i] * (near[3][i] + near[2][i] - both),)
        t_e = t_e + (s_e[i] + g[i] * now[i],)
        t_f = t_f + (s_f[i] + g[i],)
        w_xl = w_xl + (x_lower[i] * g[i],)
        w_xu = w_xu + (x_upper[i] * g[i],)
        w_yl = w_yl + (y_lower[i] * g[i],)
        w_yu = w_yu + (y_upper[i] * g[i],)
    back = rows(w_xu, w_xl, w_xl, w_xu, place, plan) + columns(w_yu, w_yl, w_yl, w_yu, place, plan)
    new, then = (), ()
    for i in tl.static_range(CELLS):
        value = waiting[i] + centre[i] * g[i]
        new = new + (value + back[0][i] + back[1][i] + back[2][i] + back[3][i],)
        then = then + ((2.0 * inverse[i] - 1.0) * g[i],)
    return new, then, (t_ax, t_ay, t_bx, t_by, t_e, t_f)


@triton.jit
def backward_kernel(
    dh_ptr, df_ptr, du_ptr, dv_ptr, dbx_ptr, dby_ptr, dp_ptr, grad_ptr,
    h_ptr, f_ptr, u_ptr, v_ptr, bx_ptr, by_ptr, p_ptr, planes, cu, cv, cbx, cby,
    rx, ry, sx, sy, dt2, STEPS: tl.constexpr, plan: tl.constexpr,
):  # fmt: skip
    """Gradients of sum(grad * forward) for those inputs whose gradient pointer is not None."""
    CELLS: tl.constexpr = plan.cells
    first = tl.program_id(0) * plan.planes
    base = first.to(tl.int64) * (plan.height * plan.width)
    offsets, mask, place = geometry(planes - first, plan)
    offsets = base + offsets
    f = load(f_ptr, 0.0, offsets, mask, place, plan)
    u, v = load(u_ptr, cu, offsets, mask, place, plan), load(v_ptr, cv, offsets, mask, place, plan)
    bx, by = load(bx_ptr, cbx, offsets, mask, place, plan), load(by_ptr, cby, offsets, mask, place, plan)
    CENTRE: tl.constexpr = not plan.periodic or u_ptr is not None or v_ptr is not None
    coefficients = setup(f, u, v, bx, by, (rx, ry, sx, sy, dt2), CENTRE, place, plan)

    g = load(grad_ptr, 0.0, offsets, mask, place, plan)
    waiting = load(None, 0.0, offsets, mask, place, plan)
    sums = (waiting, waiting, waiting, waiting, waiting, waiting)
    for i in range(STEPS // 2):
        now = load(h_ptr, 0.0, offsets, mask, place, plan)
        before = now
        if p_ptr is not None:
            before = load(p_ptr, 0.0, offsets, mask, place, plan)
        first_of_three = before
        for _ in range(STEPS - 1 - 2 * i):
            new = advance(now, before, coefficients, place, plan)
            first_of_three = before
            before = now
            now = new
        g, waiting, sums = adjoint_step(g, waiting, sums, now, before, now, False, coefficients, place, plan)
        g, waiting, sums = adjoint_step(
            g, waiting, sums, before, first_of_three, now, True, coefficients, place, plan
        )
    if STEPS % 2 == 1:
        now = load(h_ptr, 0.0, offsets, mask, place, plan)
        before = now
        if p_ptr is not None:
            before = load(p_ptr, 0.0, offsets, mask, place, plan)
        g, waiting, sums = adjoint_step(g, waiting, sums, now, before, now, False, coefficients, place, plan)

    inverse = coefficients[6]
    if dh_ptr is not None:
        total = ()
        for i in tl.static_range(CELLS):
            if p_ptr is None:
                total = total + (g[i] + waiting[i],)
            else:
                total = total + (g[i],)
        store(dh_ptr, total, offsets, mask, place, plan)
    if dp_ptr is not None:
        store(dp_ptr, waiting, offsets, mask, place, plan)
    if df_ptr is not None:
        store(df_ptr, scaled(sums[5], inverse, dt2, plan), offsets, mask, place, plan)
    if dbx_ptr is not None:
        store(dbx_ptr, scaled(sums[2], inverse, sx, plan), offsets, mask, place, plan)
    if dby_ptr is not None:
        store(dby_ptr, scaled(sums[3], inverse, sy, plan), offsets, mask, place, plan)
    # The divergence's part: minus the gradient of its centre coefficient, moved as the transpose does.
    de = scaled(sums[4], inverse, 1.0, plan)
    if du_ptr is not None:
        lower, upper = rows(de, de, de, de, place, plan)
        store(du_ptr, velocity(sums[0], inverse, lower, upper, rx, plan), offsets, mask, place, plan)
    if dv_ptr is not None:
        lower, upper = columns(de, de, de, de, place, plan)
        store(dv_ptr, velocity(sums[1], inverse, lower, upper, ry, plan), offsets, mask, place, plan)


@triton.jit
def scaled(field, by, scale, plan: tl.constexpr):
    """field * by * scale."""
    CELLS: tl.constexpr = plan.cells
    result = ()
    for i in tl.static_range(CELLS):
        result = result + (field[i] * (by[i] * scale),)
    return result


@triton.jit
def velocity(direct, inverse, lower, upper, scale, plan: tl.constexpr):
    """A velocity's gradient: by its advection coefficient, and by the divergence of its neighbours."""
    CELLS: tl.constexpr = plan.cells
    result = ()
    for i in tl.static_range(CELLS):
        result = result + ((direct[i] * inverse[i] + (lower[i] - upper[i])) * scale,)
    return result
