"""What the head of a picture's file says, read with everything bounded before Pillow opens it. Standard library alone."""

import contextlib
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_DIRECTORIES, MOST_ENTRIES = 16, 4000  # of all the metadata's directories; photographs have a hundred
TIFF_SIGNS = (b"II*\0", b"MM\0*")
BIG_TIFF_SIGNS = (b"II+\0", b"MM\0+")
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
BITS, MAXIMUM, FORMAT = 258, 281, 339  # tags of a TIFF
# A segment of a JPEG that has a length; readers pass over stray and fill bytes, and over markers without one.
_SEGMENT = re.compile(rb"\xff([^\x00\x01\xd0-\xd9\xff])", re.DOTALL)
_SUB_DIRECTORIES = (330, 34665, 34853, 40965)


class UnreadableImage(ValueError):
    """The bytes are no picture that can be shown as it was meant. The message says why and what to do."""


@dataclass(slots=True)
class Directory:
    """What a TIFF's first directory says: value of each short or long, and whether another page follows."""

    values: dict[int, tuple[int, ...]] = field(default_factory=dict)
    more_pages: bool = False


def exif_segments(data: bytes) -> Iterator[bytes]:
    """The EXIF blocks before the picture of a JPEG begins."""
    place = 2
    for _ in range(MOST_ENTRIES):
        found = _SEGMENT.search(data, place)
        if found is None or found[1] == b"\xda":
            return
        place = found.end()
        length = int.from_bytes(data[place : place + 2], "big")
        if found[1] == b"\xe1" and data[place + 2 : place + 8] == b"Exif\0\0":
            yield data[place + 8 : place + length]
        place += max(length, 2)
    raise UnreadableImage("its metadata have thousands of entries; export it without metadata")


def check_exif(exif: bytes) -> None:
    """Refuses what would cost too much. Damaged EXIF spoils no photo: Pillow leaves it out as well."""
    with contextlib.suppress(struct.error):
        if exif[:4] in TIFF_SIGNS:
            read_directory(exif)


def read_directory(data: bytes) -> Directory:
    """Reads the head of a TIFF structure (a file or EXIF) with everything bounded.

    Pillow would read each value of each directory, and a few bytes can name the same megabyte thousands of times.
    """
    order, big = "<" if data[:2] == b"II" else ">", data[:4] in BIG_TIFF_SIGNS
    counter, entry, pointer = ("Q", "HHQ8s", "Q") if big else ("H", "HHL4s", "L")
    (first,) = struct.unpack_from(order + pointer, data, 8 if big else 4)
    found, places, entries, named = Directory(), [first], 0, 0
    for place in places:
        (count,) = struct.unpack_from(order + counter, data, place)
        start, size = place + struct.calcsize(order + counter), struct.calcsize(order + entry)
        whole = min(count, max(len(data) - start, 0) // size)  # a reader takes what is there, then stumbles
        entries += whole
        if entries > MOST_ENTRIES:
            raise UnreadableImage("its metadata have thousands of entries; export it without metadata")
        for number in range(whole):
            tag, kind, n, value = struct.unpack_from(order + entry, data, start + number * size)
            size_named = n * _SIZES.get(kind, 1)
            named += size_named if size_named <= len(data) else 0  # of what is not there nothing is read
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


def jpeg2000_bits(data: bytes) -> int:
    """Bits of the deepest component, from the marker SIZ; 0 where it is missing."""
    if (place := data.find(b"\xff\x4f\xff\x51")) < 0:
        return 0
    (components,) = struct.unpack_from(">H", data, place + 40)
    depths = data[place + 42 : place + 42 + 3 * components : 3]
    return max(((depth & 0x7F) + 1 for depth in depths), default=0)
