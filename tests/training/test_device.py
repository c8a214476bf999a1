import platform
import subprocess
import sys

import pytest
import torch

from records.errors import UserError
from training.device import multiplies_bfloat16, require_device, require_seed_and_threads


def test_the_cpu_is_always_there():
    require_device("cpu")


@pytest.mark.parametrize("name", ["foo", "cpu:x", "cpu:7", "meta", "", "cuda:-1"])
def test_what_is_no_device(name):
    with pytest.raises(UserError, match=r"device is .*; accepted: auto, cpu, cuda or cuda:N"):
        require_device(name)


@pytest.mark.parametrize(
    ("name", "count", "error"),
    [
        ("cuda", 0, "torch sees no GPU here, accepted: cpu"),
        ("cuda:0", 0, "torch sees no GPU"),
        ("cuda", 1, None),
        ("cuda:1", 2, None),
        ("cuda:2", 2, "accepted: cpu, or cuda:0 to cuda:1"),
    ],
)
def test_gpus_are_counted(name, count, error, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    if error is None:
        require_device(name)
    else:
        with pytest.raises(UserError, match=error):
            require_device(name)


@pytest.mark.parametrize(
    ("seed", "threads", "said"),
    [
        (-1, 0, "seed is -1; accepted: a whole number from 0 to 9007199254740991"),
        (10**30, 0, "seed is 1000000000000000000000000000000; accepted"),
        (0.5, 0, "seed is 0.5; accepted"),
        (0, -1, "threads is -1; accepted: a whole number from 0 to 1024"),
        (0, 999_999, "threads is 999999; accepted"),
    ],
)
def test_what_torch_cannot_take_is_named(seed, threads, said):
    with pytest.raises(UserError, match=said):
        require_seed_and_threads(seed, threads)


def test_memory_is_kept_where_glibc_is():
    code = "from training.device import keep_memory; print(keep_memory())"  # in a process of its own
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(platform.libc_ver()[0] == "glibc")


def test_memory_that_was_kept_goes_back():
    code = """if True:
        import psutil, torch
        from training.device import kept_memory

        def held():
            many = [torch.ones(2**18) for _ in range(200)]  # a MiB each
            del many
            return psutil.Process().memory_info().rss

        before = held()
        with kept_memory():
            kept = held()
        print(kept - before, psutil.Process().memory_info().rss - before)
        """  # in a process of its own
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kept, after = (int(word) / 2**20 for word in done.stdout.split())
    assert after < 20
    assert kept > 150 or platform.libc_ver()[0] != "glibc"


@pytest.mark.parametrize(
    ("found", "quick"),
    [({"avx512_bf16": True, "amx_bf16": False}, True), ({"amx_bf16": True}, True), ({"avx2": True}, False)],
)
def test_a_processor_is_asked_for_bfloat16(found, quick, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    assert multiplies_bfloat16(torch.device("cpu")) is quick
