import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from saliency_worker.saliency.errors import ImageError
from saliency_worker.saliency.images import crop, decode


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(height: int, width: int) -> np.ndarray:
    ramp = np.arange(height * width * 3) % 251
    return ramp.reshape(height, width, 3).astype(np.uint8)


def test_it_decodes_rgb_as_it_is() -> None:
    pixels = gradient(7, 5)
    assert np.array_equal(decode(encoded(Image.fromarray(pixels))), pixels)


def test_it_applies_the_exif_orientation() -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show rotated by 90 degrees clockwise
    turned = decode(encoded(Image.fromarray(pixels), "JPEG", exif=exif, quality=95))
    assert turned.shape == (32, 16, 3)
    assert turned[:14].mean() > 240
    assert turned[18:].mean() < 15


ODD_EXIF = (
    b"Exif\0\0MM\0*\0\0\0\x08\0\x02"
    b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"  # orientation 6
    b"\x01\x1a\0\x02\0\0\0\x04abc\0"  # a resolution that is text instead of a fraction
    b"\0\0\0\0"
)


def test_a_wrong_exif_tag_does_not_spoil_a_sound_photo() -> None:
    pixels = gradient(16, 32)
    turned = decode(encoded(Image.fromarray(pixels), "JPEG", exif=ODD_EXIF))
    plain = decode(encoded(Image.fromarray(pixels), "JPEG"))
    assert np.array_equal(turned, np.rot90(plain, -1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_that_of_pillow(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(gradient(16, 32)), exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(decode(data), expected)


def test_whatever_a_decoder_raises_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Image.Image) -> None:
        raise RuntimeError("decoding of colour planes failed")

    data = encoded(Image.fromarray(gradient(8, 8)))
    monkeypatch.setattr(Image.Image, "getexif", fail)
    with pytest.raises(ImageError, match="colour planes failed"):
        decode(data)


def test_it_scales_sixteen_bit_grey_to_eight() -> None:
    wide = np.array([[0, 257, 65535], [128 * 257, 300, 600]], np.uint16)
    assert np.array_equal(decode(encoded(Image.fromarray(wide)))[..., 0], [[0, 1, 255], [128, 1, 2]])


def test_it_lays_transparency_over_white() -> None:
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, 0] = (10, 20, 30, 255)
    decoded = decode(encoded(Image.fromarray(rgba)))
    assert decoded[0, 0].tolist() == [10, 20, 30]
    assert decoded[1, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "CMYK", "YCbCr"])
def test_it_turns_every_colour_mode_into_rgb(mode: str) -> None:
    kind = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    decoded = decode(encoded(Image.new("RGB", (8, 6), "white").convert(mode), kind))
    assert decoded.shape == (6, 8, 3)
    assert decoded.min() >= 253


@pytest.mark.parametrize(
    "data", [b"", b"not an image", encoded(Image.new("RGB", (40, 40), "red"), "JPEG")[:200]]
)
def test_it_rejects_bytes_that_are_no_whole_image(data: bytes) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        decode(data)


def test_it_rejects_a_single_pixel() -> None:
    with pytest.raises(ImageError, match="1×1"):
        decode(encoded(Image.new("RGB", (1, 1))))


def test_it_rejects_too_many_pixels_before_decoding_them() -> None:
    with pytest.raises(ImageError, match="megapixels"):
        decode(encoded(Image.new("1", (11_000, 10_000))))


def test_it_crops_the_centre_square() -> None:
    pixels = gradient(10, 15)
    assert np.array_equal(crop(pixels, 10), pixels[:, 2:12])
    assert np.array_equal(crop(pixels.transpose(1, 0, 2).copy(), 10), pixels.transpose(1, 0, 2)[2:12])


def test_shrinking_averages_areas() -> None:
    pixels = gradient(8, 8)
    means = pixels.reshape(4, 2, 4, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(crop(pixels, 4).astype(float) - means).max() <= 0.5


def test_enlarging_keeps_a_flat_image_flat() -> None:
    flat = np.full((3, 5, 3), 77, np.uint8)
    enlarged = crop(flat, 9)
    assert enlarged.shape == (9, 9, 3)
    assert (enlarged == 77).all()


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8)]
)
def test_it_rejects_arrays_of_another_shape_or_type(bad: np.ndarray) -> None:
    with pytest.raises(ImageError, match="Expected uint8 RGB"):
        crop(bad, 4)
