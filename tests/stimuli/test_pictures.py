"""What becomes of an uploaded picture, and which are refused."""

import io

import numpy as np
import pytest
from PIL import Image

from survey_site.stimuli.pictures import BadPicture, CleanImage, read_picture
from tests.stimuli.pictures import encoded, picture


def read(data: bytes, max_bytes: int = 10**7, max_pixels: int = 10**6) -> CleanImage:
    return read_picture(data, max_bytes=max_bytes, max_pixels=max_pixels)


def pixels(result: CleanImage) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(result.png)))


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM"])
def test_it_keeps_every_pixel_of_a_lossless_picture(format: str) -> None:
    assert np.array_equal(pixels(read(encoded(3, format))), np.asarray(picture(3)))


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_it_decodes_lossy_formats(format: str) -> None:
    result = pixels(read(encoded(3, format, quality=95)))
    assert result.shape == (30, 40, 3)
    assert np.abs(result.astype(int) - np.asarray(picture(3)).astype(int)).mean() < 12


def test_it_applies_the_orientation_of_a_photograph() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90°
    assert pixels(read(encoded(1, "JPEG", exif=exif))).shape == (40, 30, 3)


def test_a_wrong_exif_tag_does_not_spoil_a_sound_photo() -> None:
    turned_by_90 = b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
    resolution_as_text = b"\x01\x1a\0\x02\0\0\0\x04abc\0"
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02" + turned_by_90 + resolution_as_text + bytes(4)
    assert pixels(read(encoded(1, "JPEG", exif=exif))).shape == (40, 30, 3)


def test_it_drops_all_metadata() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken by Alice"
    result = read(encoded(1, "JPEG", exif=exif, comment=b"secret comment", icc_profile=b"profile"))
    with Image.open(io.BytesIO(result.png)) as image:
        assert image.info == {}
    assert b"Alice" not in result.png
    assert b"secret" not in result.png


def test_it_lays_transparency_on_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(out, "PNG")
    assert (pixels(read(out.getvalue())) == 255).all()


@pytest.mark.parametrize(("mode", "colour"), [("L", 90), ("CMYK", (0, 0, 0, 165)), ("P", 3), ("1", 1)])
def test_it_turns_other_colour_modes_into_rgb(mode: str, colour: object) -> None:
    out = io.BytesIO()
    Image.new(mode, (20, 20), colour).save(out, "TIFF")
    assert pixels(read(out.getvalue())).shape == (20, 20, 3)


def test_it_keeps_the_upper_eight_of_sixteen_bits() -> None:
    ramp = np.tile(np.linspace(0, 65535, 32).astype(np.uint16), (32, 1))
    out = io.BytesIO()
    Image.fromarray(ramp).save(out, "PNG")
    result = pixels(read(out.getvalue()))[0, :, 0].astype(int)
    assert abs(result - np.linspace(0, 255, 32)).max() <= 1


def animation() -> bytes:
    out = io.BytesIO()
    picture(1).save(out, "GIF", save_all=True, append_images=[picture(2), picture(3)])
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"GIF is not what this text is", "not an image"),
        (b"%PDF-1.7 a document", "not an image"),
        (encoded(1)[:200], "damaged or cut off"),
        (encoded(1, "JPEG", size=(400, 300))[:3000], "damaged or cut off"),
        (animation(), "animated"),
        (encoded(1, size=(8, 300)), "at least 16×16"),
        (encoded(1, size=(1, 1)), "at least 16×16"),
        (encoded(1, size=(2000, 1000)), "megapixels"),
    ],
    ids=["empty", "text", "pdf", "cut png", "cut jpeg", "animated", "narrow", "one pixel", "huge"],
)
def test_it_refuses_what_cannot_be_a_stimulus_and_says_why(data: bytes, says: str) -> None:
    with pytest.raises(BadPicture, match=says):
        read(data)


def test_it_refuses_a_file_over_the_size_limit() -> None:
    with pytest.raises(BadPicture, match="MB, more than"):
        read(encoded(1, "BMP", size=(600, 600)), max_bytes=1_000_000)


def test_it_refuses_a_pixel_bomb_without_decoding_it() -> None:
    out = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    assert len(out.getvalue()) < 200_000
    with pytest.raises(BadPicture, match="50 megapixels"):
        read(out.getvalue(), max_pixels=50_000_000)
