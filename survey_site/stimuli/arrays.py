"""Maps made elsewhere as numbers: reads `.npy` and PNG, writes `.npy`, colours. No NumPy, which the web lacks."""

import ast
import hashlib
import io
import math
import struct
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from survey_site.stimuli.palettes import PALETTES

MAGIC = b"\x93NUMPY"
FLOATS = {"f2": "e", "f4": "f", "f8": "d"}
LONGEST_HEADER = 10_000
SMALLEST_SIDE, LARGEST_SIDE = 16, 1024


class BadMap(ValueError):
    """A file that is no saliency map. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A map of numbers: side × side float32 values in 0..1, row by row, little-endian."""

    side: int
    values: bytes

    @property
    def sha256(self) -> str:
        """Of the values alone, as the worker counts it."""
        return hashlib.sha256(self.values).hexdigest()

    def npy(self) -> bytes:
        """The bytes that `numpy.save` writes for this array."""
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({self.side}, {self.side}), }}"
        padded = header.ljust(-(-(len(header) + 11) // 64) * 64 - 11) + "\n"
        return MAGIC + b"\x01\x00" + struct.pack("<H", len(padded)) + padded.encode() + self.values

    def picture(self, colour_map: str) -> bytes:
        """PNG (8-bit RGB) under a colour map of the catalogue, in 256 levels rounded to the nearest."""
        numbers = struct.unpack(f"<{self.side**2}f", self.values)
        grey = Image.frombytes("L", (self.side, self.side), bytes(round(value * 255) for value in numbers))
        grey.putpalette(PALETTES[colour_map])
        return png_of(grey.convert("RGB"))


@dataclass(frozen=True, slots=True)
class Painted:
    """A finished picture of a map, in colour: shown as it is, without numbers behind it."""

    side: int
    png: bytes


def png_of(image: Image.Image) -> bytes:
    """PNG without metadata."""
    out = io.BytesIO()
    image.save(out, format="PNG", compress_level=6)
    return out.getvalue()


def read_map(name: str, data: bytes) -> Scalar | Painted:
    """A map from a `.npy` or a PNG. Raises BadMap for anything that is no square map with values in 0..1."""
    if name.lower().endswith(".npy"):
        return read_npy(data)
    if name.lower().endswith(".png"):
        return read_png(data)
    raise BadMap("it is neither .npy nor .png; save it as one of these")


def read_npy(data: bytes) -> Scalar:
    """A two-dimensional square float array of the `.npy` format, versions 1 to 3. Nothing is unpickled."""
    descr, fortran, shape, body = _header(data)
    code = FLOATS.get(descr[1:])
    if descr[:1] not in "<>=|" or code is None:
        raise BadMap(f"its numbers are of the type {descr!r}; save it as float32 with values in 0..1")
    if len(shape) != 2:
        raise BadMap(f"it has {len(shape)} dimensions, {shape}; save the map alone, as height × width")
    side = _side(*shape)
    order = ">" if descr[0] == ">" else "<"
    if len(body) != side * side * int(descr[2:]):
        raise BadMap(
            f"it holds {len(body)} bytes where {shape} of {descr} needs more or fewer; save it again"
        )
    values = struct.unpack(f"{order}{side * side}{code}", body)
    if bad := next((value for value in values if not math.isfinite(value)), None):
        raise BadMap(f"it holds the value {bad}; a map has numbers in 0..1 only")
    low, high = min(values), max(values)
    if low < 0 or high > 1:
        raise BadMap(f"its values reach from {low:.4g} to {high:.4g}; scale them to 0..1")
    if fortran:
        values = tuple(values[column * side + row] for row in range(side) for column in range(side))
    return Scalar(side, struct.pack(f"<{side * side}f", *values))


def _header(data: bytes) -> tuple[str, bool, tuple[int, ...], bytes]:
    try:
        if data[:6] != MAGIC or data[6] not in (1, 2, 3):
            raise BadMap("it is no .npy file; write it with numpy.save")
        start = 10 if data[6] == 1 else 12
        (length,) = struct.unpack("<H" if data[6] == 1 else "<I", data[8:start])
        if length > LONGEST_HEADER:
            raise BadMap("its header is longer than that of any plain array; save it again")
        found = ast.literal_eval(data[start : start + length].decode("utf-8"))
        descr, fortran, shape = found["descr"], found["fortran_order"], found["shape"]
    except BadMap:
        raise
    except (
        struct.error,
        ValueError,
        SyntaxError,
        LookupError,
        TypeError,
        MemoryError,
        RecursionError,
    ) as error:
        raise BadMap("its .npy header cannot be read; write it with numpy.save") from error
    if not isinstance(descr, str) or not isinstance(shape, tuple) or not all(type(n) is int for n in shape):
        raise BadMap("it is a table of fields, not a plain array; save the map alone")
    return descr, bool(fortran), shape, data[start + length :]


def clean_png(data: bytes) -> tuple[int, bytes]:
    """Side and RGB PNG of a finished picture, grey ones too, without profile or comment. Raises BadMap."""
    image, side = _opened_png(data)
    clean = Image.new("RGB", image.size)
    clean.paste(image.convert("RGB"))
    return side, png_of(clean)


def read_png(data: bytes) -> Scalar | Painted:
    """A grey PNG (8 or 16 bits) is numbers from 0 to 1; a coloured one is a finished picture."""
    image, side = _opened_png(data)
    if image.mode.startswith("I"):
        wide = image.convert("I").tobytes()
        levels, top = struct.unpack(f"={side * side}i", wide), 65535
    elif image.mode in ("1", "L"):
        levels, top = tuple(image.convert("L").tobytes()), 255
    else:
        rgb = image.convert("RGB")
        red, green, blue = (band.tobytes() for band in rgb.split())
        if not red == green == blue:
            return Painted(*clean_png(data))
        levels, top = tuple(red), 255
    return Scalar(side, struct.pack(f"<{side * side}f", *(level / top for level in levels)))


def _opened_png(data: bytes) -> tuple[Image.Image, int]:
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            side = _side(image.height, image.width)
            if getattr(image, "n_frames", 1) > 1:
                raise BadMap("it is animated; save one frame")
            image.load()
    except BadMap:
        raise
    except UnidentifiedImageError as error:
        raise BadMap("it is no PNG; save it again") from error
    except (
        Exception
    ) as error:  # of a damaged file a decoder may raise anything, as in saliency_worker.decoding
        raise BadMap(f"the PNG is damaged ({error}); save it again") from error
    if "A" in image.getbands() or "transparency" in image.info:
        raise BadMap("it is partly transparent; save it without an alpha channel")
    return image, side


def _side(height: int, width: int) -> int:
    if height != width:
        raise BadMap(
            f"it has {height} × {width} values; maps are square, like the centre crop that people see"
        )
    if not SMALLEST_SIDE <= height <= LARGEST_SIDE:
        raise BadMap(f"its side is {height}; it must lie between {SMALLEST_SIDE} and {LARGEST_SIDE}")
    return height
