"""How long a training step takes: a process that is given genotypes, batch size, device and threads as JSON, and prints
(MACs, seconds for an image) of each. See `execution.launching.pace`."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import torch
import torch.nn.functional as F

from search_space import Genotype

_LEAST_SECONDS = 0.5  # of steps, after the first
_MOST_STEPS = 20
_MACS_OF_A_STEP = (
    3e8  # on a CPU, whose time an image does not hang on how many others there are if these are many
)


def seconds_per_image(genotype: Genotype, batch: int, device: str) -> float:
    """Of training steps, forward and backward, on random images."""
    model = genotype.build(seed=0).to(device).train()
    if torch.device(device).type == "cpu":
        batch = min(batch, max(2, int(_MACS_OF_A_STEP / max(1, genotype.cost().macs))))
    images = torch.randn(batch, *genotype.image, device=device)
    labels = torch.randint(genotype.classes, (batch,), device=device)
    _step(model, images, labels)  # which builds what is built once
    started, steps = time.perf_counter(), 0
    while steps < _MOST_STEPS and (time.perf_counter() - started < _LEAST_SECONDS or not steps):
        _step(model, images, labels)
        steps += 1
    return (time.perf_counter() - started) / (steps * batch)


def _step(model: Any, images: torch.Tensor, labels: torch.Tensor) -> None:
    found = model(images)
    logits = found[0] if isinstance(found, tuple) else found
    F.cross_entropy(logits, labels).backward()
    model.zero_grad(set_to_none=True)
    if images.is_cuda:
        torch.cuda.synchronize()


def main() -> None:
    """Reads the request from standard input, and prints what was found."""
    request = json.loads(sys.stdin.read())
    if request["threads"]:
        torch.set_num_threads(request["threads"])
    genotypes = [Genotype.from_json(record) for record in request["genotypes"]]
    points = [
        (genotype.cost().macs, seconds_per_image(genotype, request["batch"], request["device"]))
        for genotype in genotypes
    ]
    print(json.dumps(points))


if __name__ == "__main__":
    main()
