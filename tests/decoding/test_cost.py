"""What a file may cost is bounded by its head: bombs are refused, and damaged metadata spoil no photo."""

import struct
import tracemalloc

import pytest
from PIL import Image

from saliency_worker.decoding import UnreadableImage, decode
from saliency_worker.image_heads import check_exif, exif_segments
from tests.decoding.made import encoded, noise, pixels, tiff


def test_damaged_exif_spoils_no_photo() -> None:
    longer_than_it_is = b"Exif\0\0" + tiff([(271, 2, 4_000_000, 26), (272, 2, 90_000, 26)], b"maker")
    cut = (b"Exif\0\0MM\0*\0\0\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0")
    for exif in (*cut, longer_than_it_is):
        data = encoded(Image.fromarray(noise(8)), "JPEG", exif=exif)
        assert pixels(data).shape == (20, 24, 3)


def test_a_tiff_of_many_directories_is_refused_without_walking_them() -> None:
    # Each directory names the next; walking them took 90 s for 20 MiB.
    made, size = bytearray(b"II*\0\x08\0\0\0"), 2 + 12 + 4
    for number in range(200_000):
        made += struct.pack("<HHHLLL", 1, 256, 4, 1, 16, 8 + (number + 1) * size)
    with pytest.raises(UnreadableImage, match="several pages"):
        decode(bytes(made))


def bomb() -> bytes:
    """Few entries that each name the same megabyte."""
    return tiff([(40_000 + n, 7, 1_000_000, 0) for n in range(3000)], bytes(1_000_000))


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "WEBP"])
def test_metadata_that_name_one_megabyte_a_thousand_times_are_refused_unread(kind: str) -> None:
    data = bomb()
    if kind != "TIFF":
        data = encoded(Image.fromarray(noise(9)), kind, exif=b"Exif\0\0" + data)
    tracemalloc.start()
    with pytest.raises(UnreadableImage, match="metadata"):
        decode(data)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30_000_000


def test_a_jpeg_whose_exif_is_a_bomb_is_refused_before_it_is_opened() -> None:
    small = tiff([(40_000 + n, 7, 20_000, 0) for n in range(2000)], bytes(1000))
    with pytest.raises(UnreadableImage, match="metadata"):
        decode(encoded(Image.fromarray(noise(9)), "JPEG", exif=b"Exif\0\0" + small))


def test_a_bomb_in_a_directory_that_is_cut_off_is_refused_too() -> None:
    cut = bytearray(tiff([(40_000 + n, 7, 20_000, 0) for n in range(2000)], bytes(1000)))
    cut[8:10] = b"\xff\xff"  # it says to have more entries than there are bytes
    with pytest.raises(UnreadableImage, match="metadata"):
        decode(encoded(Image.fromarray(noise(9)), "JPEG", exif=b"Exif\0\0" + bytes(cut)))


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    data = encoded(Image.new("1", (30_000, 30_000)))
    assert len(data) < 200_000
    with pytest.raises(UnreadableImage, match="more than 100 megapixels"):
        decode(data)


def jpeg_with(before_exif: bytes) -> bytes:
    """A photo whose EXIF is a bomb, and whose first bytes are padded as the standard or mere damage allows."""
    small = tiff([(40_000 + n, 7, 20_000, 0) for n in range(2000)], bytes(1000))
    photo = encoded(Image.fromarray(noise(9)), "JPEG", exif=b"Exif\0\0" + small)
    return photo[:2] + before_exif + photo[2:]


@pytest.mark.parametrize("padding", [b"\xff\xff", b"\x07", b"\xff\xd0", b"\xff\x01\xff"], ids=bytes.hex)
def test_padding_before_the_metadata_hides_no_bomb(padding: bytes) -> None:
    with pytest.raises(UnreadableImage, match="metadata"):
        for block in exif_segments(jpeg_with(padding)):
            check_exif(block)


def test_a_jpeg_of_thousands_of_segments_is_refused_without_walking_them() -> None:
    with pytest.raises(UnreadableImage, match="thousands of entries"):
        decode(b"\xff\xd8" + b"\xff\xfe\0\2" * 1_000_000)
