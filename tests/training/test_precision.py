"""Which precision and memory format a recipe has on a device."""

from __future__ import annotations

import pytest
import torch

from training import precision
from training.precision import in_bf16, memory_format, multiplies_bf16
from training.recipes.recipe import Recipe

CPU, GPU = torch.device("cpu"), torch.device("cuda")
PLAIN = Recipe("plain", 1, 1, 0.1)
HALF = PLAIN.replace(bf16=True, channels_last=True)


@pytest.mark.parametrize("said", [{"amx_bf16": True}, {"amx_bf16": False}, {}])
def test_the_processor_is_asked(said, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: said, raising=False)
    assert multiplies_bf16() is said.get("amx_bf16", False)


def test_a_torch_that_cannot_tell_stays_in_float32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not multiplies_bf16()


@pytest.mark.parametrize(("amx", "half"), [(True, True), (False, False)])
def test_a_cpu_uses_bfloat16_and_channels_last_together_and_only_with_amx(amx, half, monkeypatch):
    monkeypatch.setattr(precision, "multiplies_bf16", lambda: amx)
    assert in_bf16(HALF, CPU) is half
    assert (memory_format(HALF, CPU) is torch.channels_last) is half
    assert memory_format(HALF.replace(bf16=False), CPU) is torch.contiguous_format
    assert not in_bf16(PLAIN, CPU)
    assert in_bf16(HALF, GPU)
    assert memory_format(HALF, GPU) is torch.channels_last
    assert memory_format(PLAIN, GPU) is torch.contiguous_format
