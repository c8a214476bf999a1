"""What the Triton kernels compile to for a given GPU, without one: registers, spills, shared memory.

    python -m benchmarks.kernels_ptx             print the table
    python -m benchmarks.kernels_ptx --write     and record it in results/kernels/ptx.md

The kernels are compiled by the very calls that would launch them, with triton's own ptxas.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import torch

from pde_ops.scheme import Fields, Scheme
from pde_ops.triton import backend as triton_backend
from pde_ops.triton import launch

TABLE = Path(__file__).parents[1] / "results" / "kernels" / "ptx.md"
SIZES = ((8, 8), (14, 14), (16, 16), (28, 28), (32, 32), (56, 56), (112, 112))
DTYPES = (torch.float32, torch.bfloat16, torch.float16)
REGISTERS_PER_SM, WARPS_PER_SM = 65536, 64


@dataclass(frozen=True)
class Compiled:
    """One kernel as compiled; sizes in bytes, registers and spills a thread, shared memory a program."""

    kernel: str
    warps: int
    registers: int
    spilled: int
    shared: int
    shuffles: int
    barriers: int
    ptx: str

    @property
    def resident_warps(self) -> int:
        """Warps that a multiprocessor holds at once, as far as its registers allow."""
        a_warp = -(-self.registers // 8) * 8 * 32
        programs = min(REGISTERS_PER_SM // (a_warp * self.warps), WARPS_PER_SM // self.warps)
        return programs * self.warps


@contextlib.contextmanager
def target(capability: int) -> Iterator[list[Compiled]]:
    """Within it, backend calls on CPU tensors compile for sm_<capability>; yields what was compiled."""
    from triton.backends.compiler import GPUTarget
    from triton.runtime.driver import driver

    class Target:
        """The part of a GPU driver that the compiler asks."""

        def get_current_target(self):
            return GPUTarget("cuda", capability, 32)

        def get_current_device(self):
            return capability  # Triton caches by device

        def get_current_stream(self, device):
            return 0

    found: list[Compiled] = []

    def compile_only(kernel, programs, *args, **options):
        built = kernel.warmup(*args, grid=(programs,), num_stages=1, **options)
        found.append(_inspect(kernel.__name__, built, options["num_warps"], capability))

    active = driver._active  # asking for `active` would fail without a GPU, so does resetting to it
    driver.set_active(Target())
    try:
        with mock.patch.object(launch, "launch", compile_only):
            yield found
    finally:
        driver._active = active


def _inspect(name: str, built, warps: int, capability: int) -> Compiled:
    import triton

    ptx = built.asm["ptx"]
    ptxas = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "ptxas"
    arch = re.search(r"\.target (sm_\w+)", ptx)
    command = [os.fspath(ptxas), "-v", f"--gpu-name={arch[1] if arch else f'sm_{capability}'}"]
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write(ptx)
        file.flush()
        command += [file.name, "-o", os.devnull]
        report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    registers, spilled = (
        re.search(r"Used (\d+) registers", report),
        re.search(r"(\d+) bytes spill stores", report),
    )
    if registers is None or spilled is None:
        raise RuntimeError(f"ptxas did not say what {name} takes: {report}")
    return Compiled(
        name, warps, int(registers[1]), int(spilled[1]), built.metadata.shared,
        len(re.findall(r"\bshfl\.sync", ptx)), len(re.findall(r"\bbar\.sync", ptx)), ptx,
    )  # fmt: skip


def compile_both(
    size: tuple[int, int],
    *,
    dtype: torch.dtype = torch.float32,
    capability: int = 90,
    steps: int = 5,
    boundary: str = "periodic",
    number_diffusivity: bool = False,
    minimal: bool = False,
) -> list[Compiled]:
    """The kernels of a forward and a backward pass over planes of ``size`` (rows, columns)."""
    field = torch.zeros((2, 16, *size), dtype=dtype)
    diffusivity = None if number_diffusivity or minimal else field
    source = None if minimal else field
    fields = Fields(field, source, field, field, diffusivity, diffusivity, None)
    scheme = Scheme((0.0, 0.0, 1.0, 1.0), steps, 0.2, 1, 1, boundary)
    with target(capability) as found:
        triton_backend.forward(fields, scheme)
        triton_backend.backward(field, fields, scheme, tuple(f is not None for f in fields))
    return list({(c.kernel, c.ptx): c for c in found}.values())


def kernels_table() -> str:
    """All sizes in float32, the other types and targets at one size, as a Markdown table."""
    rows = [
        "| plane | type | target | D | kernel | warps | registers | spilled B | shared B | warps an SM |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    cases = [(size, torch.float32, 90, False) for size in SIZES]
    cases += [((32, 32), dtype, 90, False) for dtype in DTYPES[1:]]
    cases += [((32, 32), torch.float32, 90, True), ((32, 32), torch.float32, 80, False)]
    for size, dtype, capability, number in cases:
        for c in compile_both(size, dtype=dtype, capability=capability, number_diffusivity=number):
            rows.append(
                f"| {size[0]}x{size[1]} | {str(dtype).removeprefix('torch.')} | sm_{capability} | "
                f"{'number' if number else 'fields'} | {c.kernel} | {c.warps} | {c.registers} | "
                f"{c.spilled} | {c.shared} | {c.resident_warps} |"
            )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="What the Triton kernels compile to, without a GPU.")
    parser.add_argument("--write", action="store_true", help="also write results/kernels/ptx.md")
    options = parser.parse_args()
    import triton

    text = kernels_table()
    print(text)
    if options.write:
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        versions = f"triton {triton.__version__} with its own ptxas, torch {torch.__version__}"
        head = (
            "# The Triton kernels as compiled\n\n"
            "Made by `python -m benchmarks.kernels_ptx --write` without a GPU: what the compiler gives, "
            f"not a measurement ({versions}). K = 5, periodic, with source, no initial state. Where a "
            'kernel comes twice, its launches differ in what is absent. "Warps an SM" is what 65,536 '
            "registers hold.\n\n"
        )
        TABLE.write_text(head + text + "\n")


if __name__ == "__main__":
    main()
