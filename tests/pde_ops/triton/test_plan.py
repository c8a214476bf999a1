import pytest

from pde_ops.triton.backend import backward_plan, forward_plan
from pde_ops.triton.plan import LANES, REGISTERS, on_chip_plan, power_of_two

SIZES = [(1, 1), (1, 9), (5, 1), (4, 4), (7, 7), (8, 8), (9, 40), (13, 13), (14, 14), (16, 16), (28, 28)]
SIZES += [(31, 31), (32, 32), (33, 8), (40, 40), (3, 64)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("plan_of", [forward_plan, backward_plan])
def test_every_cell_is_held_once(size, plan_of):
    height, width = size
    plan = plan_of(height, width, 1, 1, True)
    held = []
    for thread in range(plan.warps * LANES):
        group = thread // plan.lanes % plan.padded
        plane = thread // (plan.lanes * plan.padded)
        for q in range(plan.rows):
            for c in range(plan.columns):
                lane_exists = thread % plan.lanes < width // plan.columns
                row_exists = group < plan.groups and (q < plan.last or group < plan.groups - 1)
                if lane_exists and row_exists:
                    column = thread % plan.lanes + c * (width // plan.columns)
                    held.append((plane, group * plan.rows + q, column))
    cells = [(n, i, j) for n in range(plan.planes) for i in range(height) for j in range(width)]
    assert sorted(held) == cells
    assert plan.busy == len(held) / (plan.warps * LANES * plan.cells)


def test_a_column_within_a_warp_needs_no_exchange_across_warps():
    assert not forward_plan(16, 16, 1, 1, True).across
    assert not backward_plan(8, 8, 1, 1, True).across
    assert forward_plan(32, 32, 1, 1, True).across


def test_neighbours_reach_no_further_than_the_next_group():
    for dx in range(1, 12):
        plan = forward_plan(24, 24, dx, 1, True)
        assert plan is None or plan.groups == 1 or dx <= plan.last <= plan.rows


def test_small_planes_keep_lanes_busy():
    assert backward_plan(8, 8, 1, 1, True).busy == 1
    assert backward_plan(16, 16, 1, 1, True).busy == 1
    assert forward_plan(32, 32, 1, 1, True).busy == 1
    assert forward_plan(7, 7, 1, 1, True).busy == pytest.approx(7 / 8)


def test_planes_beyond_the_registers_have_no_plan():
    assert backward_plan(64, 64, 1, 1, True) is None
    assert forward_plan(64, 64, 1, 1, True) is not None
    assert forward_plan(112, 112, 1, 1, True) is None
    assert forward_plan(8, 67, 1, 1, True) is None  # 67 columns do not split into threes
    assert REGISTERS < 112 * 112 * 9


def test_aim_is_kept_where_the_size_allows():
    assert on_chip_plan(32, 32, 1, 1, True, cells=8, registers=9).cells == 8
    assert on_chip_plan(32, 32, 1, 1, True, cells=4, registers=9).cells == 4


@pytest.mark.parametrize(("n", "power"), [(1, 1), (2, 2), (3, 4), (32, 32), (33, 64)])
def test_power_of_two(n, power):
    assert power_of_two(n) == power
