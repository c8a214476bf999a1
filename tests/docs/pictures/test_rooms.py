"""The picture of the rooms."""

from __future__ import annotations

from tests.test_arrows import MAY_IMPORT
from tools.docs_pictures.rooms import ROOMS


def test_the_rooms_are_those_that_the_arrows_hold():
    assert {room.name: set(room.imports) for room in ROOMS} == MAY_IMPORT
