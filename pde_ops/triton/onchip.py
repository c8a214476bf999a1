# ruff: noqa: RUF005, RUF059
# mypy: disable-error-code="assignment, var-annotated"
# (Triton's language has no star in a tuple, and its tuples grow while the kernel is traced.)
"""Triton kernels that keep whole planes in registers for all steps, forward and backward.

All is data flow between the tuples of `pde_ops.triton.planes`: no kernel writes anything that it reads, so
there is nothing to race.

The backward kernel keeps nothing between steps but registers: it integrates again from the inputs to the
state that the adjoint needs, two adjoint steps for each such pass, so K steps cost about K * K / 4 on-chip
steps more (6 at K = 5, 25 at K = 10) and no memory at all. Keeping the states in memory would cost 12 bytes
a cell and step of second-level cache traffic, as long as one and a half steps take here, and memory.

A loop's state must not begin as the same value twice: Triton 3.6 takes a variable to be unchanged by the loop if, traced
once, it ends as the value that it began as. With ``p = h`` before it, ``p = h; h = new`` in a loop leaves p as it is. So
two states that are equal at the start are loaded twice; the compiler makes one load of it.
"""

from __future__ import annotations

import triton
import triton.language as tl

from pde_ops.triton.planes import columns, geometry, load, rows, store


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
def load_states(h_ptr, p_ptr, offsets, mask, place, plan: tl.constexpr):
    """The state at time 0 and the one before, which is the same where there is no tensor of it."""
    h = load(h_ptr, 0.0, offsets, mask, place, plan)
    if p_ptr is None:
        p = load(h_ptr, 0.0, offsets, mask, place, plan)
    else:
        p = load(p_ptr, 0.0, offsets, mask, place, plan)
    return h, p


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
    h, p = load_states(h_ptr, p_ptr, offsets, mask, place, plan)
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
def adjoint_step(
    g, waiting, sums, now, before, after, KNOWN: tl.constexpr, coefficients, place, plan: tl.constexpr
):
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
        following = after[i]
        if not KNOWN:
            following = combine(near, now, before, coefficients, i)
        both = before[i] + following
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
        now, before = load_states(h_ptr, p_ptr, offsets, mask, place, plan)
        first_of_three = load(None, 0.0, offsets, mask, place, plan)  # the loop runs once at least
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
        now, before = load_states(h_ptr, p_ptr, offsets, mask, place, plan)
        g, waiting, sums = adjoint_step(g, waiting, sums, now, before, now, False, coefficients, place, plan)

    inverse = coefficients[6]
    if dh_ptr is not None:
        total = ()
        for i in tl.static_range(CELLS):
            value = g[i]
            if p_ptr is None:
                value += waiting[i]
            total = total + (value,)
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
