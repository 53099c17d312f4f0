"""From the bytes of a picture to 8-bit sRGB pixels: the one decoder of site, worker and command line.

Pillow and the standard library alone, since the web process has neither NumPy nor OpenCV. What a file costs is
bounded by what its head says, before anything is decoded: pixels, pages and the directories of its metadata.
"""

import contextlib
import io
import struct
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

FORMATS = ("PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM", "AVIF", "JPEG2000")  # beside JPEG and MPO
NAMED = "PNG, JPEG, WebP, TIFF, BMP, GIF, PPM, AVIF or JPEG 2000"
MAX_PIXELS = 100_000_000
MIN_SIDE = 2
MODES = {
    "1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "F", "I", "I;16", "I;16B", "I;16L", "I;16N",
    "I;16S",
}  # fmt: skip
BAND_PIXELS = (
    1 << 20
)  # colours are converted in bands, so that two whole copies never stand beside each other
MOST_DIRECTORIES, MOST_ENTRIES = 16, 4000  # of all the metadata's directories; photographs have a hundred
SIXTEEN_BIT_RANGES = (255, 1023, 4095, 16383, 65535)
TIFF_SIGNS = (b"II*\0", b"MM\0*")
BIG_TIFF_SIGNS = (b"II+\0", b"MM\0+")
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_BITS, _MAXIMUM, _FORMAT, _SUB_DIRECTORIES = 258, 281, 339, (330, 34665, 34853, 40965)
_COLOUR_SPACES = {"RGB ": ("RGB", "RGBA"), "GRAY": ("L",), "CMYK": ("CMYK",)}
# Value of the EXIF orientation to what turns the picture upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadableImage(ValueError):
    """The bytes are no picture that can be shown as it was meant. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An upright picture, mode RGB, 8 bits, sRGB; `notices` says in words what was decided on the way."""

    image: Image.Image
    notices: tuple[str, ...] = ()


@dataclass(slots=True)
class _Directory:
    """What a TIFF's first directory says: value of each short or long, and whether another page follows."""

    values: dict[int, tuple[int, ...]] = field(default_factory=dict)
    more_pages: bool = False


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS, min_side: int = MIN_SIDE) -> DecodedImage:
    """Decodes any still picture: EXIF orientation applied, colours in sRGB, transparency laid on white.

    Of an MPO the first picture counts; 16-bit grey is scaled by its declared or real range, with a notice. Raises
    UnreadableImage for anything else: animations, several pages, ranges that nobody can know, too many pixels.
    """
    if not data:
        raise UnreadableImage("the file is empty; take another one")
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS and b"avif" not in data[8:64]:
        raise UnreadableImage("this is a HEIC image, as some phones save them; export it as JPEG or PNG")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of big pictures; the cap below refuses them
            return _decode(data, max_pixels, min_side)
    except (UnreadableImage, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImage(f"this is not an image; use {NAMED}") from error
    except Image.DecompressionBombError as error:
        raise UnreadableImage(f"more than {max_pixels / 1e6:.0f} megapixels; scale it down") from error
    except Exception as error:  # of a damaged file a decoder may raise anything
        raise UnreadableImage(f"the image is damaged or cut off ({error}); export it again") from error


def _decode(data: bytes, max_pixels: int, min_side: int) -> DecodedImage:
    tiff = _directory(data) if data[:4] in (*TIFF_SIGNS, *BIG_TIFF_SIGNS) else None
    if tiff and tiff.more_pages:
        raise UnreadableImage("the image has several pages; save one of them as an image of its own")
    with _opened(data) as image:
        _check_size(*image.size, max_pixels, min_side)
        if tiff is None and getattr(image, "is_animated", False):
            raise UnreadableImage("the image is animated; save one frame as a still image")
        _check_depth(data, image, tiff)
        image.load()
        notices: list[str] = []
        rgb = _to_rgb(image, tiff, notices)
        turn = _TURNS.get(_orientation(image))
    return DecodedImage(rgb if turn is None else rgb.transpose(turn), tuple(notices))


def _opened(data: bytes) -> Image.Image:
    """Header read, nothing decoded. JPEG is opened as such: the first picture of an MPO is its main one."""
    if data[:3] == b"\xff\xd8\xff":
        _check_exif(b"".join(_exif_segments(data)))
        return JpegImageFile(io.BytesIO(data))
    return Image.open(io.BytesIO(data), formats=FORMATS)


def _exif_segments(data: bytes) -> Iterator[bytes]:
    """The EXIF blocks before the picture of a JPEG begins."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if data[place + 1] == 0xE1 and data[place + 4 : place + 10] == b"Exif\0\0":
            yield data[place + 10 : place + 2 + length]
        place += 2 + max(length, 2)


def _check_exif(exif: bytes) -> None:
    """Refuses what would cost too much. Damaged EXIF spoils no photo: Pillow leaves it out as well."""
    with contextlib.suppress(struct.error):
        if exif[:4] in TIFF_SIGNS:
            _directory(exif)


def _directory(data: bytes) -> _Directory:
    """Reads the head of a TIFF structure (a file or EXIF) with everything bounded.

    Pillow would read each value of each directory, and a few bytes can name the same megabyte thousands of times.
    """
    order, big = "<" if data[:2] == b"II" else ">", data[:4] in BIG_TIFF_SIGNS
    counter, entry, pointer = ("Q", "HHQ8s", "Q") if big else ("H", "HHL4s", "L")
    (first,) = struct.unpack_from(order + pointer, data, 8 if big else 4)
    found, places, entries, named = _Directory(), [first], 0, 0
    for place in places:
        (count,) = struct.unpack_from(order + counter, data, place)
        start, size = place + struct.calcsize(order + counter), struct.calcsize(order + entry)
        whole = min(count, max(len(data) - start, 0) // size)  # a reader takes what is there, then stumbles
        entries += whole
        if entries > MOST_ENTRIES:
            raise UnreadableImage("its metadata have thousands of entries; export it without metadata")
        for number in range(whole):
            tag, kind, n, value = struct.unpack_from(order + entry, data, start + number * size)
            named += n * _SIZES.get(kind, 1)
            if named > 2 * len(data):
                raise UnreadableImage("its metadata name more than they hold; export it without metadata")
            values = _whole_numbers(data, order, pointer, (kind, n, value))
            if tag in _SUB_DIRECTORIES and len(values) == 1 and len(places) < MOST_DIRECTORIES:
                places.append(values[0])
            if place == first:
                found.values[tag] = values
        if whole < count:
            raise struct.error("a directory is cut off")
        if place == first:
            found.more_pages = struct.unpack_from(order + pointer, data, start + count * size)[0] != 0
    return found


def _whole_numbers(data: bytes, order: str, pointer: str, entry: tuple[int, int, bytes]) -> tuple[int, ...]:
    """The first values of an entry of shorts or longs; empty for one of another type."""
    kind, n, value = entry
    if kind not in (3, 4, 13):
        return ()
    form = order + ("H" if kind == 3 else "L") * min(n, 8)
    if n * _SIZES[kind] <= len(value):
        return struct.unpack_from(form, value)
    return struct.unpack_from(form, data, struct.unpack_from(order + pointer, value)[0])


def _check_size(width: int, height: int, max_pixels: int, min_side: int) -> None:
    if width * height > max_pixels:
        megapixels = width * height / 1e6
        raise UnreadableImage(f"{megapixels:.0f} megapixels, more than {max_pixels / 1e6:.0f}; scale it down")
    if min(width, height) < min_side:
        raise UnreadableImage(f"only {width}×{height} pixels; at least {min_side}×{min_side} are needed")


def _check_depth(data: bytes, image: Image.Image, tiff: _Directory | None) -> None:
    """Refuses what Pillow would cut to its upper eight bits, or whose range nobody can know."""
    deep = "16-bit colour; save it with 8 bits a channel, scaled to the range that it uses"
    if image.format == "PNG" and data[24] == 16 and data[25] in (2, 4, 6):
        raise UnreadableImage(f"this is a PNG of {deep}")
    if tiff and len(bits := tiff.values.get(_BITS, (1,))) > 1 and max(bits) > 8:
        raise UnreadableImage(f"this is a TIFF of {deep}")
    unknown = "save it as an 8-bit PNG, scaled to 0..255"
    if image.mode not in MODES:
        raise UnreadableImage(f"its colours are {image.mode}; save it as RGB")
    if image.mode == "F":
        raise UnreadableImage(f"its values are floating point numbers, whose range is not known; {unknown}")
    if image.mode == "I" and image.format != "PPM":
        raise UnreadableImage(f"its values are 32-bit integers, whose range is not known; {unknown}")
    if image.mode.startswith("I;16") and "transparency" in image.info:
        raise UnreadableImage("it is 16-bit grey with a transparent value; save it with 8 bits")
    if image.mode == "I;16S" or (
        tiff and image.mode.startswith("I;16") and 2 in tiff.values.get(_FORMAT, ())
    ):
        raise UnreadableImage(f"its values may be negative; {unknown}")


def _orientation(image: Image.Image) -> int:
    """What EXIF (or XMP) says; a wrong tag elsewhere in a sound photo does not matter."""
    if isinstance(exif := image.info.get("exif"), bytes):
        _check_exif(exif.removeprefix(b"Exif\0\0"))
    found = image.getexif().get(ExifTags.Base.Orientation, 1)
    return found if isinstance(found, int) else 1


def _to_rgb(image: Image.Image, tiff: _Directory | None, notices: list[str]) -> Image.Image:
    """A fresh RGB picture, converted band by band: no profile, comment or other metadata come along."""
    prepared = _sixteen_bit(image, tiff, notices) if image.mode.startswith("I") else _plain
    transform = _colours(image, notices)
    rgb = Image.new("RGB", image.size)
    for box in _bands(image):
        rgb.paste(_on_white(transform(prepared(image.crop(box)))), box)
    return rgb


def _plain(band: Image.Image) -> Image.Image:
    """One of the modes L, RGB, RGBA, CMYK."""
    if band.mode in ("L", "RGB", "CMYK") and "transparency" not in band.info:
        return band
    if band.has_transparency_data:
        return band.convert("RGBA")
    return band.convert("L" if band.mode == "1" else "RGB")


def _on_white(band: Image.Image) -> Image.Image:
    if band.mode != "RGBA":
        return band.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", band.size, "white"), band).convert("RGB")


def _sixteen_bit(
    image: Image.Image, tiff: _Directory | None, notices: list[str]
) -> Callable[[Image.Image], Image.Image]:
    """Scales 16-bit grey to eight bits by the range that the file declares, else by the one that it uses."""
    declared = max((tiff.values.get(_MAXIMUM) if tiff else None) or (0,))
    if image.format == "PPM":
        declared = 65535  # Pillow has scaled it by the file's own maximum
    top = _largest(image)
    if not 0 < top <= declared:
        declared = next((limit for limit in SIXTEEN_BIT_RANGES if top <= limit), 65535)
        declared = declared if top else 65535
    notices.append(f"16-bit grey, scaled from 0..{declared} to 8 bits")
    scale = 255 / declared
    return lambda band: band.convert("I").point(lambda value: value * scale + 0.5).convert("L")


def _largest(image: Image.Image) -> int:
    highest = 0
    for band in _bands(image):
        _low, high = image.crop(band).convert("I").getextrema()
        highest = max(highest, int(str(high)))  # typed as float or pair: those of other modes
    return highest


def _bands(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Boxes over the whole width, from top to bottom."""
    height = max(BAND_PIXELS // image.width, 1)
    for top in range(0, image.height, height):
        yield 0, top, image.width, min(top + height, image.height)


def _colours(image: Image.Image, notices: list[str]) -> Callable[[Image.Image], Image.Image]:
    """What brings a band into sRGB, by the embedded profile; without one, pictures are taken for sRGB."""
    embedded = image.info.get("icc_profile")
    if not embedded:
        return lambda band: band
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(embedded))
        space = profile.profile.xcolor_space
        if "srgb" in ImageCms.getProfileDescription(profile).lower() and space == "RGB ":
            return lambda band: band
        probe = _plain(image.crop((0, 0, 1, 1))).mode if not image.mode.startswith("I") else "L"
        if probe not in _COLOUR_SPACES.get(space, ()):
            notices.append(f"its colour profile is one of {space.strip()} and does not fit; it was left out")
            return lambda band: band
        target = "RGBA" if probe == "RGBA" else "RGB"
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), probe, target)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        notices.append(f"its colour profile cannot be read ({error}) and was left out")
        return lambda band: band

    def apply(band: Image.Image) -> Image.Image:
        made = ImageCms.applyTransform(band, transform)
        assert made is not None  # it is None only where the transform works in place
        return made

    return apply
