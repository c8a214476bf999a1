"""The page of exports: its C++ program, built as it says, classifies a photo."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pde_ops.cpu import backend
from search_space import sample
from training.export import export

PAGE = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.skipif(not backend.built(), reason="no C++ compiler here")
def test_the_program_in_cpp(tmp_path):
    genotype = sample("resnet-global", 4, image=(3, 32, 32))
    export(genotype, None, tmp_path / "out", formats=["aoti"])
    (tmp_path / "photo.cpp").write_text(re.search(r"```cpp\n(.*?)```", PAGE, re.DOTALL)[1])
    built = next(block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "g++" in block)
    commands = "\n".join(built.splitlines()[:-1]).replace("$(python ", f"$({sys.executable} ")
    subprocess.run(["sh", "-ec", commands], cwd=tmp_path, check=True, timeout=280)

    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.ppm")
    done = subprocess.run(
        ["./photo", "out/model-aoti.pt2", "photo.ppm"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        expected = int(genotype.build(seed=0).eval()(images).argmax())
    assert done.stdout == f"class {expected}\n"
