import itertools
import random

from analysis.pictures.labels import Box, place

AREA = Box(0, 0, 1000, 700)


def test_overlap_and_within():
    assert Box(0, 0, 10, 10).overlap(Box(5, 5, 20, 20)) == 25
    assert Box(0, 0, 10, 10).overlap(Box(10, 0, 20, 10)) == 0
    assert Box.around((5, 5), 2) == Box(3, 3, 7, 7)
    assert Box(0, 0, 1, 1).within(AREA)
    assert not Box(-1, 0, 1, 1).within(AREA)


def test_a_lonely_label_stands_beside_its_point():
    (box,) = place([(500, 350)], [(60, 12)], [(500, 350)], AREA)
    assert box == Box(509, 344, 569, 356)


def test_labels_hide_neither_each_other_nor_points_nor_leave_the_picture():
    rng = random.Random(1)
    anchors = [(rng.uniform(20, 980), rng.uniform(20, 680)) for _ in range(25)]
    # Some pairs that nearly coincide, as networks of equal accuracy do.
    anchors += [(x + 3, y + 2) for x, y in anchors[:5]]
    boxes = place(anchors, [(90, 13)] * len(anchors), anchors, AREA)
    assert all(box.within(AREA) for box in boxes)
    assert all(a.overlap(b) == 0 for a, b in itertools.combinations(boxes, 2))
    assert all(box.overlap(Box.around(point, 3)) == 0 for box in boxes for point in anchors)


def test_what_is_taken_stays_free():
    taken = Box(500, 300, 700, 400)
    (box,) = place([(500, 350)], [(60, 12)], [], AREA, taken=[taken])
    assert box.overlap(taken) == 0
