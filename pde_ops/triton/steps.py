# ruff: noqa: RUF059
"""Triton kernels for planes too large for the chip: one launch a step, coefficients made where they are used.

A step reads the fields once (neighbours come from the caches) and writes one state. Every kernel writes only
cells of which it reads nothing but the cell itself, so no launch races with itself.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def cells(H, W, dx, dy, BLOCK: tl.constexpr, PERIODIC: tl.constexpr):
    """Offsets of this program's cells and of their neighbours, and which neighbours lie outside.

    A neighbour outside a zero-flux domain is the cell itself.
    """
    blocks = (H * W + BLOCK - 1) // BLOCK
    plane = tl.program_id(0) // blocks
    here = (tl.program_id(0) % blocks) * BLOCK + tl.arange(0, BLOCK)
    mask = here < H * W
    i, j = here // W, here % W
    if PERIODIC:
        x_lower, x_upper = (i + H - dx % H) % H * W + j, (i + dx % H) % H * W + j
        y_lower, y_upper = i * W + (j + W - dy % W) % W, i * W + (j + dy % W) % W
        outside = (i < 0, i < 0, i < 0, i < 0)
    else:
        outside = (i < dx, i + dx >= H, j < dy, j + dy >= W)
        x_lower = tl.where(outside[0], here, here - dx * W)
        x_upper = tl.where(outside[1], here, here + dx * W)
        y_lower = tl.where(outside[2], here, here - dy)
        y_upper = tl.where(outside[3], here, here + dy)
    base = plane.to(tl.int64) * H * W
    return base + here, (base + x_lower, base + x_upper, base + y_lower, base + y_upper), outside, mask


@triton.jit
def at(ptr, constant, offsets, mask):
    """A field's values as float32; ``constant`` where there is no tensor."""
    if ptr is None:
        value = tl.full(offsets.shape, 0.0, tl.float32) + constant
    else:
        value = tl.load(ptr + offsets, mask=mask, other=0.0).to(tl.float32)
    return value


@triton.jit
def diffusion(bx_ptr, by_ptr, cbx, cby, sx, sy, offsets, mask):
    """2Bx, 2By and 1 / L."""
    bx, by = at(bx_ptr, cbx, offsets, mask) * sx, at(by_ptr, cby, offsets, mask) * sy
    return bx, by, 1.0 / (1.0 + bx + by)


@triton.jit
def divergence(u_ptr, v_ptr, cu, cv, rx, ry, near, outside, mask):
    """2E; between walls the velocity normal to a wall continues with the opposite sign."""
    u_lower, u_upper = at(u_ptr, cu, near[0], mask), at(u_ptr, cu, near[1], mask)
    v_lower, v_upper = at(v_ptr, cv, near[2], mask), at(v_ptr, cv, near[3], mask)
    u_lower, u_upper = tl.where(outside[0], -u_lower, u_lower), tl.where(outside[1], -u_upper, u_upper)
    v_lower, v_upper = tl.where(outside[2], -v_lower, v_lower), tl.where(outside[3], -v_upper, v_upper)
    return (u_lower - u_upper) * rx + (v_lower - v_upper) * ry


@triton.jit
def combined(states, h, p, f, u, v, bx, by, r, e, rx, ry, dt2):
    """The next state from the four neighbours' ``states``."""
    value = (2.0 * r - 1.0) * p + (f * dt2 - e * h) * r
    value += ((bx - u * rx) * states[0] + (bx + u * rx) * states[1]) * r
    return value + ((by - v * ry) * states[2] + (by + v * ry) * states[3]) * r


@triton.jit
def step_kernel(
    new_ptr, h_ptr, p_ptr, f_ptr, u_ptr, v_ptr, bx_ptr, by_ptr, H, W, dx, dy, cu, cv, cbx, cby,
    rx, ry, sx, sy, dt2, BLOCK: tl.constexpr, PERIODIC: tl.constexpr,
):  # fmt: skip
    """One step; ``new_ptr`` may be ``p_ptr``."""
    here, near, outside, mask = cells(H, W, dx, dy, BLOCK, PERIODIC)
    h, p, f = at(h_ptr, 0.0, here, mask), at(p_ptr, 0.0, here, mask), at(f_ptr, 0.0, here, mask)
    u, v = at(u_ptr, cu, here, mask), at(v_ptr, cv, here, mask)
    bx, by, r = diffusion(bx_ptr, by_ptr, cbx, cby, sx, sy, here, mask)
    e = divergence(u_ptr, v_ptr, cu, cv, rx, ry, near, outside, mask)
    states = (
        at(h_ptr, 0.0, near[0], mask), at(h_ptr, 0.0, near[1], mask),
        at(h_ptr, 0.0, near[2], mask), at(h_ptr, 0.0, near[3], mask),
    )  # fmt: skip
    new = combined(states, h, p, f, u, v, bx, by, r, e, rx, ry, dt2)
    tl.store(new_ptr + here, new.to(new_ptr.dtype.element_ty), mask=mask)


@triton.jit
def add(ptr, value, offsets, mask, FIRST: tl.constexpr):
    """Add to a running sum, or begin it; nothing where it is not wanted."""
    if ptr is not None:
        if not FIRST:
            value += tl.load(ptr + offsets, mask=mask, other=0.0)
        tl.store(ptr + offsets, value, mask=mask)


@triton.jit
def weighted(
    g_ptr, a_ptr, bx_ptr, by_ptr, ca, cbx, cby, ra, sx, sy, ALONG_X: tl.constexpr, plus, offsets, mask
):
    """(2B +- A) g / L at ``offsets``, B and A of one direction; + where ``plus``."""
    bx, by, r = diffusion(bx_ptr, by_ptr, cbx, cby, sx, sy, offsets, mask)
    a = at(a_ptr, ca, offsets, mask) * ra
    b = by
    if ALONG_X:
        b = bx
    return (b + tl.where(plus, a, -a)) * r * at(g_ptr, 0.0, offsets, mask)


@triton.jit
def adjoint_kernel(
    g_new_ptr, waiting_new_ptr, s_f_ptr, s_ax_ptr, s_ay_ptr, s_bx_ptr, s_by_ptr, s_e_ptr,
    g_ptr, waiting_ptr, now_ptr, before_ptr, after_ptr, f_ptr, u_ptr, v_ptr, bx_ptr, by_ptr,
    H, W, dx, dy, cu, cv, cbx, cby, rx, ry, sx, sy, dt2,
    FIRST: tl.constexpr, BLOCK: tl.constexpr, PERIODIC: tl.constexpr,
):  # fmt: skip
    """One transposed step, and its part of the sums that make the coefficients' gradients.

    ``after_ptr`` None: that state is computed here. ``waiting_new_ptr`` may be ``waiting_ptr``.
    """
    here, near, outside, mask = cells(H, W, dx, dy, BLOCK, PERIODIC)
    g, now, before = at(g_ptr, 0.0, here, mask), at(now_ptr, 0.0, here, mask), at(before_ptr, 0.0, here, mask)
    u, v = at(u_ptr, cu, here, mask), at(v_ptr, cv, here, mask)
    bx, by, r = diffusion(bx_ptr, by_ptr, cbx, cby, sx, sy, here, mask)
    e = divergence(u_ptr, v_ptr, cu, cv, rx, ry, near, outside, mask)
    states = (
        at(now_ptr, 0.0, near[0], mask), at(now_ptr, 0.0, near[1], mask),
        at(now_ptr, 0.0, near[2], mask), at(now_ptr, 0.0, near[3], mask),
    )  # fmt: skip
    if after_ptr is None:
        f = at(f_ptr, 0.0, here, mask)
        both = before + combined(states, now, before, f, u, v, bx, by, r, e, rx, ry, dt2)
    else:
        both = before + at(after_ptr, 0.0, here, mask)
    add(s_f_ptr, g, here, mask, FIRST)
    add(s_ax_ptr, g * (states[1] - states[0]), here, mask, FIRST)
    add(s_ay_ptr, g * (states[3] - states[2]), here, mask, FIRST)
    add(s_bx_ptr, g * (states[1] + states[0] - both), here, mask, FIRST)
    add(s_by_ptr, g * (states[3] + states[2] - both), here, mask, FIRST)
    add(s_e_ptr, g * now, here, mask, FIRST)

    # A cell's state went to its upper neighbour as that one's lower, and so on; at a wall to itself.
    back = at(waiting_ptr, 0.0, here, mask) - e * r * g
    back += weighted(g_ptr, u_ptr, bx_ptr, by_ptr, cu, cbx, cby, rx, sx, sy, True, outside[1], near[1], mask)
    back += weighted(g_ptr, u_ptr, bx_ptr, by_ptr, cu, cbx, cby, rx, sx, sy, True, ~outside[0], near[0], mask)
    back += weighted(g_ptr, v_ptr, bx_ptr, by_ptr, cv, cbx, cby, ry, sx, sy, False, outside[3], near[3], mask)
    back += weighted(
        g_ptr, v_ptr, bx_ptr, by_ptr, cv, cbx, cby, ry, sx, sy, False, ~outside[2], near[2], mask
    )
    tl.store(g_new_ptr + here, back, mask=mask)
    tl.store(waiting_new_ptr + here, (2.0 * r - 1.0) * g, mask=mask)


@triton.jit
def finish_kernel(
    df_ptr, du_ptr, dv_ptr, dbx_ptr, dby_ptr, s_f_ptr, s_ax_ptr, s_ay_ptr, s_bx_ptr, s_by_ptr, s_e_ptr,
    bx_ptr, by_ptr, H, W, dx, dy, cbx, cby, rx, ry, sx, sy, dt2, BLOCK: tl.constexpr, PERIODIC: tl.constexpr,
):  # fmt: skip
    """Gradients of the fields from the sums; each may overwrite its own sum, but not ``s_e_ptr``."""
    here, near, outside, mask = cells(H, W, dx, dy, BLOCK, PERIODIC)
    bx, by, r = diffusion(bx_ptr, by_ptr, cbx, cby, sx, sy, here, mask)
    if df_ptr is not None:
        put(df_ptr, at(s_f_ptr, 0.0, here, mask) * r * dt2, here, mask)
    if dbx_ptr is not None:
        put(dbx_ptr, at(s_bx_ptr, 0.0, here, mask) * r * sx, here, mask)
    if dby_ptr is not None:
        put(dby_ptr, at(s_by_ptr, 0.0, here, mask) * r * sy, here, mask)
    if du_ptr is not None:
        x, y, r_lower = diffusion(bx_ptr, by_ptr, cbx, cby, sx, sy, near[0], mask)
        x, y, r_upper = diffusion(bx_ptr, by_ptr, cbx, cby, sx, sy, near[1], mask)
        apart = at(s_e_ptr, 0.0, near[0], mask) * r_lower - at(s_e_ptr, 0.0, near[1], mask) * r_upper
        put(du_ptr, (at(s_ax_ptr, 0.0, here, mask) * r + apart) * rx, here, mask)
    if dv_ptr is not None:
        x, y, r_lower = diffusion(bx_ptr, by_ptr, cbx, cby, sx, sy, near[2], mask)
        x, y, r_upper = diffusion(bx_ptr, by_ptr, cbx, cby, sx, sy, near[3], mask)
        apart = at(s_e_ptr, 0.0, near[2], mask) * r_lower - at(s_e_ptr, 0.0, near[3], mask) * r_upper
        put(dv_ptr, (at(s_ay_ptr, 0.0, here, mask) * r + apart) * ry, here, mask)


@triton.jit
def put(ptr, value, offsets, mask):
    """Store, rounded to the tensor's type."""
    tl.store(ptr + offsets, value.to(ptr.dtype.element_ty), mask=mask)
