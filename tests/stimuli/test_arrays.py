"""Maps as numbers without NumPy: the same values, files and colours as NumPy and OpenCV have them."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from saliency_worker.saliency.provenance import array_sha256
from saliency_worker.saliency.render import colour_table
from survey_site.stimuli.arrays import BadMap, Painted, Scalar, read_map, read_npy
from survey_site.stimuli.palettes import PALETTES

SIDE = 16


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def png(array: np.ndarray) -> bytes:
    done, data = cv2.imencode(".png", array)
    assert done
    return data.tobytes()


def numbers(seed: int = 0, side: int = SIDE) -> np.ndarray:
    return np.random.default_rng(seed).random((side, side))


@pytest.mark.parametrize("name", ["jet", "turbo", "viridis"])
def test_the_palettes_are_those_of_opencv(name: str) -> None:
    ours = np.frombuffer(PALETTES[name], np.uint8).reshape(256, 3)
    assert np.array_equal(ours, np.rint(colour_table(name) * 255).astype(np.uint8))


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_float_array_is_read_as_numpy_reads_it(dtype: str, order: str) -> None:
    array = np.asarray(numbers(), dtype=dtype, order=order)  # type: ignore[call-overload]
    read = read_npy(npy(array))
    assert np.array_equal(np.frombuffer(read.values, "<f4").reshape(SIDE, SIDE), array.astype("<f4"))


def test_what_is_written_is_what_numpy_writes_and_hashes_as_the_worker_hashes() -> None:
    for side in (16, 99, 100, 224):
        array = numbers(side, side).astype("<f4")
        scalar = Scalar(side, array.tobytes())
        assert scalar.npy() == npy(array)
        assert scalar.sha256 == array_sha256(array)


def test_it_is_coloured_as_opencv_colours_it() -> None:
    array = numbers(3).astype("<f4")
    levels = np.rint(array.astype(np.float64) * 255).astype(np.uint8)
    expected = cv2.applyColorMap(levels, cv2.COLORMAP_JET)[..., ::-1]
    with Image.open(io.BytesIO(Scalar(SIDE, array.tobytes()).picture("jet"))) as image:
        assert (image.mode, image.info) == ("RGB", {})
        assert np.array_equal(np.asarray(image), expected)


def test_grey_pictures_are_numbers_in_8_and_16_bits() -> None:
    for dtype, top in ((np.uint8, 255), (np.uint16, 65535)):
        array = np.rint(numbers() * top).astype(dtype)
        read = read_map("a.PNG", png(array))
        assert isinstance(read, Scalar)
        values = np.frombuffer(read.values, "<f4").reshape(SIDE, SIDE)
        assert np.array_equal(values, (array.astype(np.float64) / top).astype("<f4"))
        coloured = np.repeat(array[..., None], 3, 2)
        if dtype == np.uint8:
            assert read_map("a.png", png(coloured)) == read


def test_a_coloured_picture_is_kept_as_it_is() -> None:
    bgr = np.random.default_rng(1).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    read = read_map("a.png", png(bgr))
    assert isinstance(read, Painted)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(read.png))), bgr[..., ::-1])


BAD = {
    "NaN": (npy(np.full((SIDE, SIDE), np.nan)), "nan"),
    "infinity": (npy(np.full((SIDE, SIDE), np.inf)), "inf"),
    "above 1": (npy(numbers() * 255), "scale them to 0..1"),
    "below 0": (npy(numbers() - 0.5), "scale them to 0..1"),
    "integers": (npy(np.zeros((SIDE, SIDE), np.uint8)), "float32"),
    "three dimensions": (npy(np.zeros((SIDE, SIDE, 3))), "3 dimensions"),
    "not square": (npy(np.zeros((SIDE, SIDE + 1))), "square"),
    "tiny": (npy(np.zeros((2, 2))), "its side is 2"),
    "cut off": (npy(numbers())[:-9], "save it again"),
    "fields": (npy(np.zeros((SIDE, SIDE), [("a", "f4")])), "table of fields"),
    "objects": (npy(np.zeros((SIDE, SIDE), object)), "float32"),
    "empty": (b"", "no .npy file"),
    "header only": (b"\x93NUMPY\x01\x00", "header"),
    "a header that recurses": (
        b"\x93NUMPY\x01\x00" + (9000).to_bytes(2, "little") + b"[" * 4500 + b"]" * 4500,
        "header",
    ),
    "a deep sum": (b"\x93NUMPY\x01\x00" + (9000).to_bytes(2, "little") + b"1+" * 4499 + b"1\n", "header"),
    "an expression": (b"\x93NUMPY\x01\x00\x0e\x00__import__(1)\n", "header"),
}


@pytest.mark.parametrize(("data", "says"), BAD.values(), ids=BAD)
def test_a_bad_array_is_refused_with_what_to_do(data: bytes, says: str) -> None:
    with pytest.raises(BadMap, match=says):
        read_map("a.npy", data)


def test_a_bad_picture_is_refused_with_what_to_do() -> None:
    grey = np.zeros((SIDE, SIDE), np.uint8)
    clear = np.zeros((SIDE, SIDE, 4), np.uint8)
    for data, says in (
        (png(grey[:, 1:]), "square"),
        (png(clear), "transparent"),
        (png(grey)[:-30], "damaged"),
        (b"GIF89a", "no PNG"),
    ):
        with pytest.raises(BadMap, match=says):
            read_map("a.png", data)
    with pytest.raises(BadMap, match=r"neither \.npy nor \.png"):
        read_map("a.jpg", b"")


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_in_another_way(tail: bytes) -> None:
    for data in (tail, b"\x93NUMPY\x01\x00" + tail, npy(numbers())[:80] + tail):
        try:
            read_npy(data)
        except BadMap:
            continue
        raise AssertionError("random bytes were taken for a map")
