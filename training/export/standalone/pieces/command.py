"""What stands around the network in a written module: its normalisation, its weights, its command."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

# A written module has its own in place of these.
WEIGHTS = Path(__file__).with_name("weights.safetensors")
CHANNELS, HEIGHT, WIDTH = 1, 8, 8
MARGIN = 1.143
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


def upright(image: Any) -> Any:
    """The Pillow image turned as its EXIF says."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        orientation = image.getexif().get(0x0112)
    except Exception:  # damaged EXIF says nothing
        return image
    known = isinstance(orientation, int) and orientation in turns
    return image.transpose(turns[orientation]) if known else image


def covering(width: int, height: int) -> tuple[int, int]:
    """The size to which an image is scaled before the middle is cut out."""
    scale = max(WIDTH / width, HEIGHT / height)  # if not margin
    size = max(WIDTH, round(scale * width)), max(HEIGHT, round(scale * height))  # if not margin
    side, shorter = round(MARGIN * max(WIDTH, HEIGHT)), min(width, height)  # if margin
    size = max(side, int(side * width / shorter)), max(side, int(side * height / shorter))  # if margin
    return size


def read(path: str) -> Tensor:
    """The image in a file as raw pixels (1, channels, height, width).

    It is scaled until it covers the network's size, and its middle is cut out.
    """
    from PIL import Image

    with (
        open(path, "rb") as stream,
        Image.open(stream) as file,
    ):  # mapped by its name, a turned TIFF is confused
        deep, tags = ";16" in str(file.tile), getattr(file, "tag_v2", {})
        file.load()
        image, form = upright(file), file.format
    clear = image.info.get("transparency")
    if image.mode.startswith("I;16") or (image.mode, form) == ("I", "PPM"):
        if form == "TIFF" and tags.get(258, (16,))[0] != 16:
            raise ValueError(f"shades of {tags[258][0]} bits; accepted: 8 or 16 bits")
        to_8 = [(value + 128) // 257 for value in range(65536)]
        if isinstance(clear, int):
            to_8[clear] = 255
        if form == "TIFF" and tags.get(262) == 0:  # 0 is white
            to_8.reverse()
        image = image.convert("I").point(to_8, "L")
    elif image.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {image.mode}; accepted: 8 or 16 bits")
    elif image.has_transparency_data:
        if deep and isinstance(clear, tuple):  # Pillow keeps the upper 8 bits
            image.info["transparency"] = tuple(shade >> 8 for shade in clear)
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    image = image.convert("L")  # if grey
    image = image.convert("RGB")  # if not grey
    width, height = covering(*image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - WIDTH) / 2), round((height - HEIGHT) / 2)
    image = image.crop((left, top, left + WIDTH, top + HEIGHT))
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return pixels.view(1, HEIGHT, WIDTH, CHANNELS).permute(0, 3, 1, 2)


def reason(error: Exception) -> str:
    """One line that says what is wrong with a file."""
    kind = type(error).__name__
    if kind == "UnidentifiedImageError":
        return "not an image"
    text = " ".join(str(getattr(error, "strerror", None) or error).split())
    if text and isinstance(error, (OSError, ValueError, SafetensorError)):
        return text
    return f"cannot be read ({kind}: {text})"


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
        other = isinstance(error, RuntimeError)
        why = "weights of another network" if other else reason(error)
        print(f"error: {options.weights}: {why}", file=sys.stderr)
        return 2
    if options.weights is None:  # if not trained
        print("UNTRAINED: the weights are random", file=sys.stderr)  # if not trained
    status = 0
    for path in options.images:
        name = path if path.isprintable() else repr(path)
        try:
            pixels = read(path)
        except Exception as error:  # a damaged image may raise anything
            print(f"error: {name}: {reason(error)}", file=sys.stderr)
            status = 2
            continue
        with torch.inference_mode():
            probabilities = network(pixels).softmax(1)[0]
        best = int(probabilities.argmax())
        print(f"{name}\t{CLASS_NAMES[best]}\t{float(probabilities[best]):.4f}")
    return status


def run() -> int:
    """``main``; 1 if nobody reads what it prints, 2 if that cannot be written."""
    warnings.simplefilter("ignore")  # what Pillow says of odd images, here and below
    logging.disable()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            return main()
        finally:
            print(end="", flush=True)
    except BrokenPipeError:
        status = 1
    except OSError as error:
        status = 2
        with suppress(OSError):
            print(f"error: standard output: {error.strerror}", file=sys.stderr)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # else what is left in them fails again at Python's end
        os.dup2(nowhere, stream)
    return status
