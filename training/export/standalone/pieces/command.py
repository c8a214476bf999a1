"""What stands around the network in a written module: its normalisation, its weights, its command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

# A written module has its own in place of these.
WEIGHTS = Path(__file__).with_name("weights.safetensors")
CHANNELS, HEIGHT, WIDTH = 1, 8, 8
MEAN = STD = (0.5,)
CLASS_NAMES = ("no", "yes")
Network = nn.Identity


def normalised(pixels: Tensor) -> Tensor:
    """``pixels`` from 0 to 255 as the training had them."""
    mean = torch.tensor(MEAN, device=pixels.device).view(-1, 1, 1)
    std = torch.tensor(STD, device=pixels.device).view(-1, 1, 1)
    return (pixels / 255 - mean) / std


def build() -> nn.Module:
    """The network with random weights, for ``load_state_dict`` or a training."""
    return Network()


def load(weights: str | Path = WEIGHTS) -> nn.Module:
    """The network with the weights of a safetensors file, ready for use."""
    network = build()
    network.load_state_dict(load_file(weights))
    return network.eval()


def read(path: str) -> Tensor:
    """The image in a file as raw pixels (1, channels, height, width).

    It is scaled until it covers the network's size, and its middle is cut out.
    """
    from PIL import Image, ImageOps

    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
    if image.mode[0] in "IF":
        raise ValueError(f"pixels of mode {image.mode}; accepted: 8 bits a channel")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    image = image.convert("L")  # if grey
    image = image.convert("RGB")  # if not grey
    image = ImageOps.fit(image, (WIDTH, HEIGHT), Image.Resampling.BILINEAR)  # if not bleed
    image = ImageOps.fit(image, (WIDTH, HEIGHT), Image.Resampling.BILINEAR, 0.0625)  # if bleed
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return pixels.view(1, HEIGHT, WIDTH, CHANNELS).permute(0, 3, 1, 2)


def reason(error: Exception) -> str:
    """One line that says what is wrong with a file."""
    if type(error).__name__ == "UnidentifiedImageError":
        return "not an image"
    if isinstance(error, RuntimeError):
        return "weights of another network"
    lines = str(getattr(error, "strerror", None) or error).splitlines()
    return lines[0] if lines else type(error).__name__


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints name, class and probability of each file; 2 if one cannot be read."""
    parser = argparse.ArgumentParser(description="Classifies image files.")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="an image file")
    words = "a safetensors file (default: weights.safetensors beside this module)"  # if trained
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help=words)  # if trained
    words = "a safetensors file (default: random weights)"  # if not trained
    parser.add_argument("--weights", type=Path, help=words)  # if not trained
    options = parser.parse_args(arguments)
    try:
        network = load(options.weights)  # if trained
        network = load(options.weights) if options.weights else build().eval()  # if not trained
    except (OSError, RuntimeError, SafetensorError) as error:
        print(f"error: {options.weights}: {reason(error)}", file=sys.stderr)
        return 2
    if options.weights is None:  # if not trained
        print("UNTRAINED: the weights are random", file=sys.stderr)  # if not trained
    status = 0
    for path in options.images:
        try:
            pixels = read(path)
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            print(f"error: {path}: {reason(error)}", file=sys.stderr)
            status = 2
            continue
        with torch.inference_mode():
            probabilities = network(pixels).softmax(1)[0]
        best = int(probabilities.argmax())
        print(f"{path}\t{CLASS_NAMES[best]}\t{float(probabilities[best]):.4f}")
    return status
