"""From the bytes of a picture to 8-bit sRGB pixels: the one decoder of site, worker and command line.

Pillow and the standard library alone, since the web process has neither NumPy nor OpenCV. What a file costs is
bounded by what its head says, before anything is decoded: pixels, pages and the directories of its metadata.
"""

import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from saliency_worker.image_heads import (
    BIG_TIFF_SIGNS,
    BITS,
    FORMAT,
    MAXIMUM,
    TIFF_SIGNS,
    Directory,
    UnreadableImage,
    check_exif,
    exif_segments,
    jpeg2000_bits,
    read_directory,
)

FORMATS = ("PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM", "AVIF", "JPEG2000")  # beside JPEG and MPO
NAMED = "PNG, JPEG, WebP, TIFF, BMP, GIF, PPM, AVIF or JPEG 2000"
MAX_PIXELS = 100_000_000
MIN_SIDE = 2
MODES = {
    "1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "F", "I", "I;16", "I;16B", "I;16L", "I;16N",
    "I;16S",
}  # fmt: skip
# Colours are converted in bands, so that two whole copies never stand beside each other.
BAND_PIXELS = 1 << 20
SIXTEEN_BIT_RANGES = (255, 1023, 4095, 16383, 65535)
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
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


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An upright picture, mode RGB, 8 bits, sRGB; `notices` says in words what was decided on the way."""

    image: Image.Image
    notices: tuple[str, ...] = ()


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
    tiff = read_directory(data) if data[:4] in (*TIFF_SIGNS, *BIG_TIFF_SIGNS) else None
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
        check_exif(b"".join(exif_segments(data)))
        return JpegImageFile(io.BytesIO(data))
    return Image.open(io.BytesIO(data), formats=FORMATS)


def _check_size(width: int, height: int, max_pixels: int, min_side: int) -> None:
    if width * height > max_pixels:
        megapixels = width * height / 1e6
        raise UnreadableImage(f"{megapixels:.0f} megapixels, more than {max_pixels / 1e6:.0f}; scale it down")
    if min(width, height) < min_side:
        raise UnreadableImage(f"only {width}×{height} pixels; at least {min_side}×{min_side} are needed")


def _check_depth(data: bytes, image: Image.Image, tiff: Directory | None) -> None:
    """Refuses what Pillow would cut to its upper eight bits, or whose range nobody can know."""
    deep = "16-bit colour; save it with 8 bits a channel, scaled to the range that it uses"
    if image.format == "PNG" and data[24] == 16 and data[25] in (2, 4, 6):
        raise UnreadableImage(f"this is a PNG of {deep}")
    if tiff and len(bits := tiff.values.get(BITS, (1,))) > 1 and max(bits) > 8:
        raise UnreadableImage(f"this is a TIFF of {deep}")
    if image.format == "JPEG2000" and image.mode in ("RGB", "RGBA") and jpeg2000_bits(data) > 8:
        raise UnreadableImage(f"this is a JPEG 2000 of {deep}")
    if image.format == "PPM" and image.mode == "RGB" and _ppm_maximum(image) > 255:
        raise UnreadableImage(f"this is a PPM of {deep}")
    unknown = "save it as an 8-bit PNG, scaled to 0..255"
    if image.mode not in MODES:
        raise UnreadableImage(f"its colours are {image.mode}; save it as RGB")
    if image.mode == "F":
        raise UnreadableImage(f"its values are floating point numbers, whose range is not known; {unknown}")
    if image.mode == "I" and image.format != "PPM":
        raise UnreadableImage(f"its values are 32-bit integers, whose range is not known; {unknown}")
    if image.mode.startswith("I;16") and "transparency" in image.info:
        raise UnreadableImage("it is 16-bit grey with a transparent value; save it with 8 bits")
    if image.mode == "I;16S" or (tiff and image.mode.startswith("I;16") and 2 in tiff.values.get(FORMAT, ())):
        raise UnreadableImage(f"its values may be negative; {unknown}")


def _ppm_maximum(image: Image.Image) -> int:
    """The largest value that a PPM declares, as Pillow hands it to its decoder."""
    args = image.tile[0].args  # type: ignore[attr-defined]  # of an opened file
    return args[-1] if isinstance(args, tuple) and isinstance(args[-1], int) else 255


def _orientation(image: Image.Image) -> int:
    """What EXIF (or XMP) says; a wrong tag elsewhere in a sound photo does not matter."""
    if isinstance(exif := image.info.get("exif"), bytes):
        check_exif(exif.removeprefix(b"Exif\0\0"))
    found = image.getexif().get(ExifTags.Base.Orientation, 1)
    return found if isinstance(found, int) else 1


def _to_rgb(image: Image.Image, tiff: Directory | None, notices: list[str]) -> Image.Image:
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
    image: Image.Image, tiff: Directory | None, notices: list[str]
) -> Callable[[Image.Image], Image.Image]:
    """Scales 16-bit grey to eight bits by the range that the file declares, else by the one that it uses."""
    declared = max((tiff.values.get(MAXIMUM) if tiff else None) or (0,))
    if image.format in ("PPM", "JPEG2000"):
        declared = 65535  # Pillow has scaled it by what the file declares
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
