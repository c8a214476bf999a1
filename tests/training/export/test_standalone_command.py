"""A written module reads image files as the data set does, and no file or stream makes its command fall over."""

from __future__ import annotations

import dataclasses
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import nn

from records.errors import UserError
from search_space import sample
from tests.training.export.test_standalone import info_of
from training.data.sources.folder import evaluation_cut
from training.data.sources.images import decode, read_size
from training.export import save_weights
from training.export.network import Network
from training.export.standalone.module_file import imported, write_module

NAMES = tuple(f"日本é {letter}" for letter in "abcdefghij")
SIZES = ((12, 9), (7, 16), (1, 5), (8, 8))
RANDOM = np.random.default_rng(0)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")
FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """By channels: a written module."""
    found = {}
    for channels in (1, 3):
        genotype = sample("darts-global", 3, image=(channels, 8, 8), width=4, cells=2)
        info = info_of(genotype.image, names=NAMES)
        network = Network(genotype.build(seed=0), genotype.image, info, trained=True)
        folder = tmp_path_factory.mktemp("module")
        write_module(network, folder / "model.py")
        save_weights(network.model, folder / "weights.safetensors")
        found[channels] = folder / "model.py"
    return found


@pytest.fixture
def good(tmp_path):
    Image.fromarray(noise(9, 7, 3)).save(tmp_path / "good.png")
    return tmp_path / "good.png"


def noise(width: int, height: int, *bands: int) -> np.ndarray:
    return RANDOM.integers(0, 256, (height, width, *bands), dtype=np.uint8)


def pixels_of(module, path: Path, channels: int) -> np.ndarray | None:
    """The file's pixels, which the module and the data set read alike; none if both refuse it."""
    try:
        expected = decode(str(path), channels)
    except UserError:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - of any kind, as Pillow's
            module.read(str(path))
        assert "\n" not in module.reason(caught.value)
        return None
    module.HEIGHT, module.WIDTH = expected.shape[1:]
    np.testing.assert_array_equal(module.read(str(path))[0].numpy(), expected)
    return expected


def drawn(width: int, height: int) -> dict[str, tuple[Image.Image, dict]]:
    """By file name: an image of each kind, and how it is saved."""
    grey, rgb = Image.fromarray(noise(width, height)), Image.fromarray(noise(width, height, 3))
    rgba = Image.fromarray(noise(width, height, 4))
    palette = rgb.quantize(16)
    shades = RANDOM.integers(0, 65536, (height, width), dtype=np.uint16)
    shades[:2].flat[:2] = 0, 65535
    deep, wide = Image.fromarray(shades), Image.fromarray(shades.astype(np.int32))
    turned = Image.frombytes("I;16B", (width, height), shades.astype(">u2").tobytes())
    others = [Image.fromarray(noise(width, height, 3)) for _ in range(2)]
    moving = {"save_all": True, "append_images": others}
    first, first_shade = int(np.asarray(grey)[0, 0]), int(shades[-1, -1])
    return {
        "grey.png": (grey, {}), "grey.jpg": (grey, {}), "grey.pgm": (grey, {}),
        "one.png": (grey.convert("1"), {}), "one.tif": (grey.convert("1"), {}),
        "grey-and-clear.png": (rgba.convert("LA"), {}), "one-shade-clear.png": (grey, {"transparency": first}),
        "rgb.png": (rgb, {}), "rgb.jpg": (rgb, {}), "rgb.webp": (rgb, {}), "rgb.bmp": (rgb, {}),
        "rgba.png": (rgba, {}), "rgba.tif": (rgba, {}), "rgba.webp": (rgba, {}),
        "palette.png": (palette, {}), "palette.gif": (palette, {}), "palette.bmp": (palette, {}),
        "one-clear.png": (palette, {"transparency": 3}), "one-clear.gif": (palette, {"transparency": 3}),
        "some-clear.png": (palette, {"transparency": bytes(range(0, 256, 16))}),
        "ink.jpg": (rgb.convert("CMYK"), {}), "ink.tif": (rgb.convert("CMYK"), {}),
        "deep.png": (deep, {}), "deep.tif": (deep, {}), "deep.pgm": (deep, {}), "turned.tif": (turned, {}),
        "deep-clear.png": (deep, {"transparency": first_shade}),
        "wide.tif": (wide, {}), "float.tif": (deep.convert("I").convert("F"), {}),
        "moving.gif": (rgb, moving), "moving.webp": (rgb, moving), "moving.png": (rgb, moving),
        "pages.tif": (rgb, moving),
    }  # fmt: skip


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_images_of_every_kind_have_the_data_sets_pixels(modules, size, channels, tmp_path):
    module = imported(modules[channels].read_text(encoding="utf-8"), modules[channels])
    refused = []
    for name, (image, options) in drawn(*size).items():
        image.save(tmp_path / name, **options)
        if pixels_of(module, tmp_path / name, channels) is None:
            refused.append(name)
    assert refused == ["wide.tif", "float.tif"]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_turned_images_have_the_data_sets_pixels(modules, size, tmp_path):
    module = imported(modules[3].read_text(encoding="utf-8"), modules[3])
    images = {name: image for name, (image, _) in drawn(*size).items()}
    upright = None
    for orientation in (1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 600):  # the last three mean nothing
        exif = Image.Exif()
        exif[0x0112] = orientation
        names = ("rgb.png", "rgb.jpg", "rgb.webp", "rgba.tif", "palette.png", "deep.png", "deep.tif", "turned.tif")  # fmt: skip
        for name in names:
            images[name].save(tmp_path / name, exif=exif)
            pixels = pixels_of(module, tmp_path / name, 3)
            assert pixels is not None
            if not name.endswith(".tif"):  # which Pillow turns itself, though not all of them rightly
                assert pixels.shape[1:] == (size if 5 <= orientation <= 8 else size[::-1])
            if name == "rgb.png" and 1 not in size:
                upright = pixels if upright is None else upright
                assert np.array_equal(pixels, upright) == (orientation in (1, 0, 9, 600))


def exif_of(*tags: tuple[int, int, int, bytes]) -> bytes:
    """EXIF of (tag, type, count, value of 4 bytes)."""
    entries = b"".join(struct.pack("<HHI4s", *tag) for tag in tags)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0)


TURNED = (0x0112, 3, 1, struct.pack("<I", 6))
ODD_EXIF = {
    "a resolution that is a text": (exif_of(TURNED, (0x011A, 2, 2, b"72\0\0")), True),
    "a text of numbers": (exif_of(TURNED, (0x0131, 4, 1, b"\1\0\0\0")), True),
    "a number that is a text": (exif_of(TURNED, (0x0128, 2, 2, b"a\0\0\0")), True),
    "a place beyond the end": (exif_of(TURNED, (0x010E, 2, 90, struct.pack("<I", 5000))), True),
    "an orientation that is a text": (exif_of((0x0112, 2, 2, b"6\0\0\0")), False),
    "two orientations": (exif_of((0x0112, 3, 2, struct.pack("<HH", 6, 8))), True),
    "no EXIF": (b"Exif\0\0II", False),
}


@pytest.mark.parametrize("kind", ODD_EXIF)
def test_exif_is_read_and_never_written(modules, kind, tmp_path):
    module = imported(modules[3].read_text(encoding="utf-8"), modules[3])
    exif, turned = ODD_EXIF[kind]
    Image.fromarray(noise(16, 12, 3)).save(tmp_path / "photo.jpg", exif=exif)
    pixels = pixels_of(module, tmp_path / "photo.jpg", 3)
    assert pixels is not None
    assert pixels.shape == ((3, 16, 12) if turned else (3, 12, 16))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.bmp", "a.tif", "a.webp", "a.ppm"])
def test_damage_of_any_kind_is_one_line(modules, name, good, tmp_path, capsys):
    module = imported(modules[3].read_text(encoding="utf-8"), modules[3])
    Image.fromarray(noise(40, 40, 3)).save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    random = np.random.default_rng(0)
    damaged = [b"", b"no image", whole[:20], whole[: len(whole) // 2]]
    for _ in range(60):
        changed = bytearray(whole)
        for place in random.integers(0, min(len(whole), 300), 4):
            changed[place] = random.integers(256)
        damaged.append(bytes(changed))
    for i, content in enumerate(damaged):
        (tmp_path / f"{i}{name}").write_bytes(content)
    readable = [pixels_of(module, tmp_path / f"{i}{name}", 3) is not None for i in range(len(damaged))]
    module.HEIGHT = module.WIDTH = 8
    paths = [str(tmp_path / f"{i}{name}") for i in range(len(damaged))]
    assert module.main([*paths, str(good)]) == 2
    told = capsys.readouterr()
    shown = [line.split("\t")[0] for line in told.out.splitlines()]
    assert shown == [*(path for path, can in zip(paths, readable, strict=True) if can), str(good)]
    refused = [path for path, can in zip(paths, readable, strict=True) if not can]
    lines = told.err.splitlines()
    assert len(lines) == len(refused) >= 3
    for line, path in zip(lines, refused, strict=True):
        assert line.startswith(f"error: {path}: ")


def run(module: Path, *words: object, **options) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; ``options``: `subprocess.run`'s, and more of the environment."""
    left_out = ("PYTHONUNBUFFERED", "PYTHONPATH", "PYTHONWARNINGS")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    environment = {**kept, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", **options.pop("env", {})}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    words = [sys.executable, str(module), *map(str, words)]
    return subprocess.run(words, env=environment, text=True, check=False, **streams)


def test_what_an_image_makes_pillow_say_is_one_line_too(modules, good, tmp_path):
    Image.new("1", (20000, 20000)).save(tmp_path / "bomb.png")
    Image.fromarray(noise(9, 7, 3)).save(tmp_path / "samples.tif")
    content = (tmp_path / "samples.tif").read_bytes()
    samples = struct.pack("<HHI", 277, 3, 1)
    assert content.count(samples) == 1
    (tmp_path / "samples.tif").write_bytes(content.replace(samples + b"\3\0", samples + b"\x63\0"))
    beyond, _ = ODD_EXIF["a place beyond the end"]  # of which Pillow warns
    Image.fromarray(noise(9, 7, 3)).save(tmp_path / "odd.jpg", exif=beyond)
    (tmp_path / "a\nb.png").write_bytes(good.read_bytes())
    names = ("bomb.png", "samples.tif", "odd.jpg", "none.png", "a\nb.png", "good.png")
    done = run(modules[3], *names, cwd=tmp_path)
    assert done.returncode == 2
    bomb, samples_line, none = done.stderr.splitlines()
    assert bomb.startswith("error: bomb.png: cannot be read (DecompressionBombError: Image size (400000000 pixels)")  # fmt: skip
    assert samples_line.startswith("error: samples.tif: ")
    assert none == "error: none.png: No such file or directory"
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [
        "odd.jpg",
        r"'a\nb.png'",
        "good.png",
    ]


@pytest.fixture
def nobody():
    """A pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


# Output fails at the end, when its buffer is full, or with the first line.
@pytest.mark.parametrize(("count", "unbuffered"), [(1, ""), (500, ""), (1, "1")])
def test_a_reader_who_goes_away_is_no_error(modules, good, nobody, count, unbuffered):
    done = run(modules[1], *[good] * count, stdout=nobody, env={"PYTHONUNBUFFERED": unbuffered})
    assert (done.returncode, done.stderr) == (1, "")


def test_who_reads_errors_may_go_away(modules, nobody):
    assert run(modules[1], "none.png", stdout=nobody, stderr=nobody).returncode == 1


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize("words", [["good.png"], ["good.png"] * 500, ["--help"]], ids=["1", "500", "help"])
def test_a_full_disk_is_one_line(modules, good, words):
    with FULL.open("w") as full:
        done = run(modules[1], *words, stdout=full, cwd=good.parent)
    assert (done.returncode, done.stderr) == (2, "error: standard output: No space left on device\n")


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
def test_a_disk_too_full_to_say_it(modules, good):
    with FULL.open("w") as full:
        assert run(modules[1], "none.png", good, stdout=full, stderr=full).returncode == 2


@pytest.mark.parametrize("env", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}], ids=str)
def test_letters_that_a_terminal_has_not_are_escaped(modules, good, env):
    content = good.read_bytes()
    (good.parent / "é.png").write_bytes(content)
    done = run(modules[1], "é.png", "ü.png", cwd=good.parent, env=env)
    assert done.returncode == 2
    (line,), (error,) = done.stdout.splitlines(), done.stderr.splitlines()
    name, of_class, _ = line.split("\t")
    names = {r"\xe9.png": r"\xfc.png", r"'\udcc3\udca9.png'": r"'\udcc3\udcbc.png'"}  # as text, as bytes
    assert error == f"error: {names[name]}: No such file or directory"
    assert of_class.startswith(r"\u65e5\u672c\xe9 ")


@pytest.mark.parametrize("name", ["folder", "imagenet"])
@pytest.mark.parametrize("size", [(32, 32), (24, 40), (9, 5)])
def test_an_image_is_cut_as_it_is_where_a_network_is_judged(name, size, tmp_path):
    info = dataclasses.replace(info_of((3, *size), names=NAMES), name=name)
    network = Network(nn.Sequential(nn.Flatten(), nn.Linear(3 * size[0] * size[1], 10)), info.image, info)
    write_module(network, tmp_path / "model.py")
    path = tmp_path / "model.py"
    module = imported(path.read_text(), path)
    for width, height in (
        (100, 80),
        (101, 80),
        (79, 121),
        (500, 375),
        (32, 32),
        (7, 5),
        (33, 32),
        size[::-1],
    ):
        path = tmp_path / f"{width}.png"
        Image.fromarray(noise(9, 9, 3)).resize((width, height), Image.Resampling.BICUBIC).save(path)
        expected = evaluation_cut(info)(decode(str(path), 3)).int()
        assert (module.read(str(path))[0].int() - expected).abs().max() <= 1  # of 255: two ways to round


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_tiff_is_read_as_a_turned_png(orientation, mode, compression, tmp_path):
    bands = {"L": (), "RGB": (3,), "RGBA": (4,), "I;16": ()}[mode]
    pixels = noise(3, 2, *bands).astype(np.uint16 if mode == "I;16" else np.uint8)
    exif = Image.Exif()
    exif[0x112] = orientation
    for name, options in (("a.tif", {"compression": compression}), ("a.png", {})):
        Image.fromarray(pixels).save(tmp_path / name, exif=exif, **options)
    tiff, png = (str(tmp_path / name) for name in ("a.tif", "a.png"))
    np.testing.assert_array_equal(decode(tiff, 3), decode(png, 3))
    assert read_size(tiff) == read_size(png) == decode(tiff, 3).shape[1:]
