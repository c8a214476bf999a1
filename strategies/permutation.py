"""A shuffled order of a range of numbers that may be far too long to be written down."""

from __future__ import annotations

import hashlib

_ROUNDS = 4


class Permutation:
    """The numbers from 0 to ``size`` - 1 in an order that ``seed`` decides, each once.

    It is a Feistel network over the smallest even number of bits that holds them, walked until it comes back into
    the range. Source: Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002, section 3.2.

    Examples:
        >>> order = Permutation(5, seed=0)
        >>> sorted(order[place] for place in range(5))
        [0, 1, 2, 3, 4]
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed = size, seed
        self._bits = max(1, ((size - 1).bit_length() + 1) // 2)  # of each half
        self._bytes = (self._bits + 7) // 8

    def __getitem__(self, place: int) -> int:
        if not 0 <= place < self.size:
            raise IndexError(place)
        number = self._once(place)
        while number >= self.size:
            number = self._once(number)
        return number

    def _once(self, number: int) -> int:
        mask = (1 << self._bits) - 1
        left, right = number >> self._bits, number & mask
        for turn in range(_ROUNDS):
            text = f"{self.seed} {turn} {right}".encode()
            drawn = int.from_bytes(hashlib.shake_128(text).digest(self._bytes), "big") & mask
            left, right = right, left ^ drawn
        return left << self._bits | right
