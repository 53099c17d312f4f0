"""One decoder for site, worker and command line: what it reads, what it refuses, and what that may cost."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from saliency_worker.decoding import UnreadableImage, decode
from saliency_worker.saliency import images
from saliency_worker.saliency.errors import ImageError
from survey_site.stimuli.pictures import BadPicture, read_picture
from tests.decoding import profiles
from tests.decoding.made import deep_png, deep_tiff, encoded, noise, pixels

LOSSLESS = ("PNG", "TIFF", "WEBP", "BMP", "GIF", "PPM")
MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "F", "I", "I;16", "LAB"),
    "WEBP": ("RGB", "RGBA"),
    "BMP": ("1", "L", "P", "RGB"),
    "GIF": ("L", "P"),
    "PPM": ("1", "L", "RGB", "I"),
    "JPEG": ("L", "RGB", "CMYK"),
    "JPEG2000": ("L", "RGB", "RGBA"),
    "AVIF": ("RGB", "RGBA"),
}


def by_site(data: bytes) -> np.ndarray | None:
    try:
        clean = read_picture(data, max_bytes=10**8, max_pixels=10**8)
    except BadPicture:
        return None
    return np.asarray(Image.open(io.BytesIO(clean.png)))


def by_engine(data: bytes) -> np.ndarray | None:
    try:
        return images.decode(data)
    except ImageError:
        return None


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Pictures of every format, mode and orientation, some of them cut off."""
    kind = draw(st.sampled_from(sorted(MODES)))
    mode = draw(st.sampled_from(MODES[kind]))
    image = Image.fromarray(
        noise(draw(st.integers(0, 99)), draw(st.integers(16, 40)), draw(st.integers(16, 40)))
    )
    image = image.convert("L").convert(mode) if mode in ("I", "F", "I;16") else image.convert(mode) if (
        mode != "LAB") else Image.new("LAB", image.size, (90, 120, 130))  # fmt: skip
    options: dict[str, object] = {"lossless": True} if kind == "WEBP" else {}
    if kind in ("PNG", "JPEG", "WEBP"):
        exif = Image.Exif()
        exif[0x0112] = draw(st.integers(0, 9))
        options["exif"] = exif
    data = encoded(image, kind, **options)
    return data[: draw(st.integers(1, len(data)))] if draw(st.booleans()) and draw(st.booleans()) else data


@given(files())
def test_whatever_the_site_accepts_the_engine_accepts_with_the_same_pixels(data: bytes) -> None:
    site, engine = by_site(data), by_engine(data)
    assert (site is None) == (engine is None)
    if site is not None and engine is not None:
        assert np.array_equal(site, engine)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_one_line(data: bytes) -> None:
    for head in (
        b"",
        b"\xff\xd8\xff",
        b"II*\0",
        b"MM\0*",
        b"II+\0",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\0\0\0\0WEBP",
    ):
        try:
            decode(head + data)
        except UnreadableImage as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_formats_keep_every_pixel(kind: str) -> None:
    source = noise(1) if kind != "GIF" else np.repeat(noise(1, channels=1), 3, 2)
    options = {"lossless": True} if kind == "WEBP" else {}
    assert np.array_equal(pixels(encoded(Image.fromarray(source), kind, **options)), source)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_that_of_pillow(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, object] = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(Image.fromarray(noise(2)), kind, exif=exif, **options)
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(pixels(data), np.asarray(ImageOps.exif_transpose(image)))


def test_of_an_mpo_the_first_picture_counts() -> None:
    first, second = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (20, 16), "blue")
    data = encoded(first, "MPO", save_all=True, append_images=[second])
    assert np.array_equal(pixels(data), pixels(encoded(first, "JPEG")))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
def test_animations_and_several_pages_are_refused(kind: str) -> None:
    data = encoded(Image.fromarray(noise(3)), kind, save_all=True, append_images=[Image.fromarray(noise(4))])
    with pytest.raises(UnreadableImage, match=r"animated|several pages"):
        decode(data)


def test_an_embedded_profile_is_converted_to_srgb() -> None:
    source = noise(5)
    data = encoded(Image.fromarray(source), icc_profile=profiles.adobe_rgb())
    expected = profiles.adobe_as_srgb(source)
    assert np.abs(source.astype(int) - expected).mean() > 4  # what ignoring it would do
    assert np.abs(pixels(data).astype(int) - expected).max() <= 2


def test_a_profile_is_applied_below_transparency() -> None:
    source = noise(6, channels=4)
    data = encoded(Image.fromarray(source), icc_profile=profiles.adobe_rgb())
    alpha = source[..., 3:] / 255
    expected = profiles.adobe_as_srgb(source[..., :3]) * alpha + 255 * (1 - alpha)
    assert np.abs(pixels(data) - expected).max() <= 3


def test_a_grey_profile_is_converted_too() -> None:
    ramp = np.tile(np.arange(16, 256, 10, np.uint8), (20, 1))
    found = pixels(encoded(Image.fromarray(ramp), icc_profile=profiles.grey(1.0)))[0, :, 0]
    assert np.abs(found - profiles.encoded(ramp[0] / 255.0)).max() <= 2


@pytest.mark.parametrize(
    ("profile", "says"),
    [(b"no profile at all" * 20, "cannot be read"), (profiles.grey(2.2), "does not fit")],
    ids=["damaged", "of another colour space"],
)
def test_a_profile_that_cannot_serve_is_left_out_with_a_notice(profile: bytes, says: str) -> None:
    found = decode(encoded(Image.fromarray(noise(7)), icc_profile=profile))
    assert np.array_equal(np.asarray(found.image), noise(7))
    assert says in found.notices[0]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(("most", "scaled_from"), [(65535, 65535), (4095, 4095), (3000, 4095), (200, 255)])
def test_sixteen_bit_grey_is_scaled_by_the_range_it_uses(kind: str, most: int, scaled_from: int) -> None:
    values = np.linspace(0, most, 24 * 20).round().astype(np.uint16).reshape(20, 24)
    found = decode(encoded(Image.fromarray(values), kind))
    expected = np.floor(values * (255 / scaled_from) + 0.5).astype(np.uint8)
    assert np.array_equal(np.asarray(found.image)[..., 1], expected)
    assert found.notices == (f"16-bit grey, scaled from 0..{scaled_from} to 8 bits",)


def test_sixteen_bit_grey_is_scaled_by_the_range_it_declares() -> None:
    values = np.linspace(0, 900, 400).round().astype(np.uint16).reshape(20, 20)
    found = decode(encoded(Image.fromarray(values), "TIFF", tiffinfo={281: 4095}))
    assert found.notices == ("16-bit grey, scaled from 0..4095 to 8 bits",)
    assert np.asarray(found.image).max() == round(900 * 255 / 4095)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"a text", "not an image"),
        (b"%PDF-1.7 a document", "not an image"),
        (encoded(Image.fromarray(noise(1)))[:300], "damaged or cut off"),
        (encoded(Image.new("F", (20, 20), 0.5), "TIFF"), "floating point"),
        (encoded(Image.new("I", (20, 20), 70000), "TIFF"), "32-bit integers"),
        (encoded(Image.new("LAB", (20, 20)), "TIFF"), "LAB"),
        (deep_png(2, 3), "PNG of 16-bit colour"),
        (deep_png(6, 4), "PNG of 16-bit colour"),
        (deep_png(4, 2), "PNG of 16-bit colour"),
        (deep_tiff(), "TIFF of 16-bit colour"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "HEIC"),
        (encoded(Image.new("RGB", (1, 90))), "only 1×90"),
    ],
    ids=[
        "empty",
        "text",
        "pdf",
        "cut",
        "float",
        "long",
        "lab",
        "rgb48",
        "rgba64",
        "la32",
        "tiff48",
        "heic",
        "thin",
    ],
)
def test_what_cannot_be_shown_as_it_was_meant_is_refused_by_name(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableImage, match=says):
        decode(data)


def test_16_bit_colour_is_refused_in_every_format_that_holds_it() -> None:
    deep = np.random.default_rng(3).integers(0, 1024, (64, 80, 3), np.uint16)
    jpeg2000, ppm = (cv2.imencode(f".{kind}", deep)[1].tobytes() for kind in ("jp2", "ppm"))
    for data, kind in ((jpeg2000, "JPEG 2000"), (ppm, "PPM")):
        with pytest.raises(UnreadableImage, match=f"{kind} of 16-bit colour"):
            decode(data)
    plain = cv2.imencode(".jp2", deep.astype(np.uint8))[1].tobytes()
    assert pixels(plain).shape == (64, 80, 3)


def test_16_bit_grey_of_jpeg_2000_is_scaled_by_what_it_declares() -> None:
    grey = np.full((64, 80), 6400, np.uint16)
    found = decode(cv2.imencode(".jp2", grey)[1].tobytes())
    assert found.notices == ("16-bit grey, scaled from 0..65535 to 8 bits",)
    assert np.asarray(found.image).max() == 25
