"""Image files of every kind are read, or one line names the file."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from records.errors import UserError
from training.data.sources.images import SUFFIXES, class_names, decode, list_images, read_size

RED, WHITE = (200, 20, 30), (255, 255, 255)


def saved(path, image, **options):
    image.save(path, **options)
    return str(path)


def plain(mode, colour):
    return Image.new(mode, (5, 4), colour)


@pytest.mark.parametrize(
    ("image", "name", "colour"),
    [
        (plain("L", 77), "grey.png", (77, 77, 77)),
        (plain("1", 1), "bits.png", WHITE),
        (plain("RGB", RED).quantize(4), "palette.png", RED),
        (plain("RGB", RED).quantize(4), "palette.gif", RED),
        (plain("RGBA", (*RED, 255)), "opaque.png", RED),
        (plain("RGBA", (*RED, 0)), "clear.png", WHITE),
        (plain("LA", (0, 0)), "clear-grey.png", WHITE),
        (plain("CMYK", (255, 0, 0, 0)), "ink.tif", (0, 255, 255)),
        (plain("I;16", 77 * 257), "deep.png", (77, 77, 77)),
        (plain("I;16", 77 * 257), "deep.tiff", (77, 77, 77)),
        (plain("RGB", RED), "RED.PNG", RED),
        (plain("RGB", RED), 'a b\'s "c" \u00e9\u4e2d.webp', RED),
    ],
)
def test_every_kind_of_image_has_its_colour(tmp_path, image, name, colour):
    options = {"lossless": True} if name.endswith("webp") else {}
    path = saved(tmp_path / name, image, **options)
    assert read_size(path) == (4, 5)
    pixels = decode(path, 3)
    assert (pixels.dtype, pixels.shape) == (np.uint8, (3, 4, 5))
    np.testing.assert_array_equal(pixels, np.broadcast_to(np.reshape(colour, (3, 1, 1)), pixels.shape))
    grey = decode(path, 1)
    assert grey.shape == (1, 4, 5)
    assert grey[0, 0, 0] == Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0))


def test_16_bits_keep_their_shades(tmp_path):
    shades = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    path = saved(tmp_path / "deep.png", Image.fromarray(shades))
    np.testing.assert_array_equal(decode(path, 1)[0].ravel(), np.arange(256))


def test_a_turned_photograph_is_upright(tmp_path):
    image = Image.fromarray(np.arange(20, dtype=np.uint8).reshape(4, 5))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    path = saved(tmp_path / "photo.png", image, exif=exif)
    assert read_size(path) == (5, 4)
    np.testing.assert_array_equal(decode(path, 1)[0], np.rot90(np.asarray(image), -1))


def complaint(path):
    try:
        read_size(path)
        decode(path, 3)
    except UserError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.bmp", "a.tif", "a.webp", "a.ppm"])
def test_damage_of_any_kind_is_one_line(tmp_path, name):
    random = np.random.default_rng(0)
    noise = Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    whole = Path(saved(tmp_path / name, noise)).read_bytes()
    damaged = [b"", b"no image", whole[:20], whole[: len(whole) // 2], b"\x89PNG\r\n\x1a\n"]
    for _ in range(60):
        changed = bytearray(whole)
        for place in random.integers(0, min(len(whole), 300), 4):
            changed[place] = random.integers(256)
        damaged.append(bytes(changed))
    for content in damaged:
        (tmp_path / name).write_bytes(content)
        said = complaint(str(tmp_path / name))
        assert said is None or (said.startswith(f"image {tmp_path / name} ") and "\n" not in said)
    for content in damaged[:3]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=r"cannot be read( \(it is empty\))?; replace or delete it$"):
            decode(str(tmp_path / name), 1)


def test_too_many_pixels_are_said(tmp_path, monkeypatch):
    path = saved(tmp_path / "map.png", plain("L", 9))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9)
    with pytest.raises(UserError, match=r"map\.png cannot be read \(it has more pixels"):
        read_size(path)


def test_pixels_of_unknown_range_are_refused(tmp_path):
    path = saved(tmp_path / "f.tif", plain("F", 0.5))
    with pytest.raises(
        UserError, match=r"image .*f\.tif has pixels of 32 bits \(mode F\).*accepted: 8 or 16"
    ):
        decode(path, 1)


def test_a_line_break_in_a_name_does_not_break_the_line(tmp_path):
    (tmp_path / "a\nb.png").touch()
    with pytest.raises(UserError, match=r"a\\nb\.png' cannot be read \(it is empty\)") as caught:
        decode(str(tmp_path / "a\nb.png"), 1)
    assert "\n" not in str(caught.value)


@pytest.fixture
def folder(tmp_path):
    for part in ("train", "val"):
        for name in ("it's <b>", "\u00e4 \u4e2d"):
            (tmp_path / part / name / "more").mkdir(parents=True)
            plain("L", 9).save(tmp_path / part / name / "B.JPG")
            plain("L", 9).save(tmp_path / part / name / "more" / "a.png")
    return tmp_path


def test_only_images_are_listed_and_hidden_things_are_not(folder):
    classes = class_names("folder", folder)
    assert classes == ("it's <b>", "\u00e4 \u4e2d")
    for name in (".DS_Store", "Thumbs.db", "notes.txt", "._B.JPG"):
        (folder / "train" / classes[0] / name).write_bytes(b"other")
    for name in (".ipynb_checkpoints", ".git"):
        (folder / "train" / name).mkdir()
    assert class_names("folder", folder) == classes
    files = list_images(folder / "train", classes)
    assert [path.split("/")[-1] for path in files.paths] == ["B.JPG", "a.png"] * 2
    assert files.labels.tolist() == [0, 0, 1, 1]


def test_links_are_followed_once_and_pipes_never(folder):
    (folder / "train" / "it's <b>" / "loop").symlink_to("..")
    (folder / "train" / "\u00e4 \u4e2d" / "c.png").symlink_to(folder / "val" / "\u00e4 \u4e2d" / "B.JPG")
    files = list_images(folder / "train", ("\u00e4 \u4e2d",))
    assert len(files.paths) == 3
    os.mkfifo(folder / "train" / "\u00e4 \u4e2d" / "d.png")
    with pytest.raises(UserError, match=r"d\.png is no file, or a link to none; replace or delete it"):
        list_images(folder / "train", ("\u00e4 \u4e2d",))


def test_a_class_without_images_is_named(folder):
    (folder / "train" / "zero").mkdir()
    with pytest.raises(
        UserError, match=r"train/zero has no images; each class needs some, with suffix \.jpg"
    ):
        list_images(folder / "train", ("it's <b>", "zero"))
    (folder / "train" / "zero" / "phone.HEIC").touch()
    with pytest.raises(UserError, match=r"zero/phone\.HEIC is of a kind that is not read; accepted: \.jpg"):
        list_images(folder / "train", ("it's <b>", "zero"))
    assert ".heic" not in SUFFIXES


@pytest.mark.parametrize("name", [b"caf\xe9", b"two\nlines"])
def test_a_class_that_cannot_be_printed_is_refused(folder, name):
    (folder / "train" / name.decode("utf-8", "surrogateescape")).mkdir()
    with pytest.raises(UserError, match="no printable name; rename it") as caught:
        class_names("folder", folder)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_the_one_shade_that_is_transparent_becomes_white(tmp_path, kind):
    shades = np.array([[0, 100, 200, 255]], "uint16") * (1 if kind == "uint8" else 257)
    Image.fromarray(shades.astype(kind)).save(tmp_path / "clear.png", transparency=0)
    assert decode(str(tmp_path / "clear.png"), 1).tolist() == [[[255, 100, 200, 255]]]


def test_an_image_that_is_gone_is_told_so(tmp_path):
    with pytest.raises(UserError, match=r"gone\.png is gone; put it back, or say where the images are now"):
        decode(str(tmp_path / "gone.png"), 1)


def test_the_one_colour_of_16_bits_that_is_transparent_becomes_white(tmp_path):
    shades = [0x1234, 0x3434, 0, 0xFFFF]
    rows = b"\0" + b"".join(struct.pack(">HHH", shade, shade, shade) for shade in shades)
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", 4, 1, 16, 2, 0, 0, 0)),
        (b"tRNS", struct.pack(">HHH", 0x1234, 0x1234, 0x1234)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    assert decode(str(tmp_path / "deep.png"), 3)[0].tolist() == [[255, 0x34, 0, 255]]


def tiff(path, bits, packed, photometric):
    """Four shades in a row."""
    tags = [
        (256, 4), (257, 1), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1), (278, 1), (279, len(packed)),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 3, 1, value) for tag, value in tags)
    start = 8 + len(packed) + len(packed) % 2
    head = b"II*\0" + struct.pack("<I", start) + packed + b"\0" * (len(packed) % 2)
    path.write_bytes(head + struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0))
    return str(path)


def test_16_bits_whose_0_is_white_are_no_negative(tmp_path):
    shades = [0, 100, 200, 255]
    wide = struct.pack("<4H", *(257 * shade for shade in shades))
    assert decode(tiff(tmp_path / "black.tif", 16, wide, 1), 1).tolist() == [[shades]]
    assert decode(tiff(tmp_path / "white.tif", 16, wide, 0), 1).tolist() == [[[255, 155, 55, 0]]]
    assert decode(tiff(tmp_path / "white8.tif", 8, bytes(shades), 0), 1).tolist() == [[[255, 155, 55, 0]]]


def test_shades_of_12_bits_are_refused(tmp_path):
    path = tiff(tmp_path / "deep.tif", 12, bytes([0xFF, 0xF0, 0x00, 0x80, 0x00, 0x00]), 1)
    with pytest.raises(UserError, match=r"deep\.tif has shades of 12 bits; accepted: 8 or 16 bits"):
        decode(path, 1)


@pytest.mark.parametrize("suffix", [".mpo", ".CR3", ".orf", ".tga"])
def test_images_of_kinds_that_are_not_read_are_no_silence(tmp_path, suffix):
    (tmp_path / "a").mkdir()
    (tmp_path / f"a/1{suffix}").write_bytes(b"x")
    with pytest.raises(UserError, match=r"is of a kind that is not read; accepted: \.jpg"):
        list_images(tmp_path, ["a"])
