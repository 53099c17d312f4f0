"""Zips of pictures: classes by folder or labels.csv, and the zips that are refused whole."""

import io
import stat
import zipfile

import numpy as np
import pytest

from survey_site.stimuli.archives import BadArchive, read_archive, read_labels
from tests.stimuli.pictures import encoded, zipped


def read(data: bytes, max_total: int = 10**7, max_file: int = 5 * 10**6) -> dict[str, str]:
    return {u.name: u.stimulus_class for u in read_archive(data, max_total=max_total, max_file=max_file)}


def test_a_folder_is_the_class_of_its_pictures() -> None:
    assert read(zipped({"cats/a.png": b"1", "dogs/b.png": b"2", "c.png": b"3"})) == {
        "cats/a.png": "cats",
        "dogs/b.png": "dogs",
        "c.png": "",
    }


def test_a_labels_file_overrides_the_folders() -> None:
    labels = "file,class\na.png,lion\ndogs/b.png,wolf\n".encode("utf-8-sig")
    assert read(zipped({"cats/a.png": b"1", "dogs/b.png": b"2", "labels.csv": labels})) == {
        "cats/a.png": "lion",
        "dogs/b.png": "wolf",
    }


def test_it_passes_over_the_litter_of_desktops() -> None:
    assert list(read(zipped({"__MACOSX/._a.png": b"x", ".DS_Store": b"x", "a.png": b"1"}))) == ["a.png"]


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "x/../../a.png", "C:/a.png", "..\\a.png"])
def test_it_rejects_a_zip_with_paths_outside(name: str) -> None:
    with pytest.raises(BadArchive, match="outside"):
        read(zipped({name: encoded()}))


def test_it_rejects_a_link() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("a.png")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(BadArchive, match="is a link"):
        read(out.getvalue())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused_since_one_would_be_lost() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.png", b"1")
        archive.writestr("a.png", b"2")
    with pytest.raises(BadArchive, match="stands twice"):
        read(out.getvalue())


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_it_rejects_what_is_no_ordinary_file(kind: int) -> None:
    info = zipfile.ZipInfo("a.png")
    info.external_attr = (kind | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, b"1")
    with pytest.raises(BadArchive, match="no ordinary file"):
        read(out.getvalue())


def test_it_rejects_a_bomb_before_unpacking_it() -> None:
    bomb = zipped({"a.png": bytes(4_000_000)})
    assert len(bomb) < 10_000
    with pytest.raises(BadArchive, match="out of almost nothing"):
        read(bomb)


def test_it_rejects_a_zip_that_unpacks_to_too_much() -> None:
    with pytest.raises(BadArchive, match="split it"):
        read(zipped({f"{n}.png": encoded(n, "BMP") for n in range(9)}), max_total=20_000)


def test_it_does_not_believe_a_header_that_lies_about_the_size() -> None:
    data = bytearray(zipped({"a.bin": bytes(range(256)) * 40}))
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    with pytest.raises(BadArchive):
        read(bytes(data), max_file=5000)


@pytest.mark.parametrize(("data", "says"), [(b"PK not a zip", "damaged"), (zipped({}), "no file")])
def test_it_rejects_a_broken_or_empty_zip(data: bytes, says: str) -> None:
    with pytest.raises(BadArchive, match=says):
        read(data)


def test_a_row_of_labels_without_class_is_named() -> None:
    with pytest.raises(BadArchive, match="row 2"):
        read_labels("a.png,cat\nb.png,\n")


def corrupted(data: bytes) -> bytes:
    """The zip with its compressed bytes overwritten, its directory intact."""
    start = data.index(b"a.png") + 5
    return data[:start] + b"\xff" * 20 + data[start + 20 :]


@pytest.mark.parametrize(
    "data",
    [
        zipped({".": b"x"}),
        corrupted(zipped({"a.png": encoded()})),
        zipped({"a.png": b"1", "labels.csv": b'"' + b"x" * 200_000}),
    ],
    ids=["a member without a name", "a corrupt stream", "a huge cell"],
)
def test_a_zip_that_is_broken_inside_is_refused_with_words(data: bytes) -> None:
    with pytest.raises(BadArchive):
        read(data)


def overlapping(copies: int, member: bytes) -> bytes:
    """A zip whose directory names one member's bytes many times under different names."""
    data = zipped({"0000.png": member})
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[start:end]
    directory = b"".join(entry.replace(b"0000.png", f"{n:04d}.png".encode()) for n in range(copies))
    count = copies.to_bytes(2, "little")
    tail = (
        data[end : end + 8]
        + count
        + count
        + len(directory).to_bytes(4, "little")
        + start.to_bytes(4, "little")
    )
    return data[:start] + directory + tail + b"\0\0"


def test_members_that_share_their_bytes_are_refused_unread() -> None:
    data = overlapping(500, bytes(900_000))
    assert len(data) < 45_000
    with pytest.raises(BadArchive, match="overlaps"):
        read(data, max_total=10**9)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (42, b"\xff\xff\xff\x7f"),
        (42, b"\xff\xff\xff\xff"),
        (20, b"\xff\xff\xff\x7f"),
        (46, b"\xff\xfe"),
        (10, b"\x0e\0"),
    ],
    ids=["beyond the end", "zip64 without it", "longer than the file", "a name that is no UTF-8", "LZMA"],
)
def test_a_directory_that_is_wrong_is_refused_with_words(place: int, value: bytes) -> None:
    data = bytearray(zipped({"a.png": encoded()}))
    entry = data.index(b"PK\x01\x02")
    data[entry + 8 : entry + 10] = b"\x00\x08"  # names are UTF-8
    data[entry + place : entry + place + len(value)] = value
    with pytest.raises(BadArchive):
        read(bytes(data))


@pytest.mark.parametrize("offset", [12, 16])
@pytest.mark.parametrize("value", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_an_end_that_points_outside_is_refused_with_words(offset: int, value: int) -> None:
    data = bytearray(zipped({"a.png": encoded()}))
    end = data.index(b"PK\x05\x06")
    data[end + offset : end + offset + 4] = value.to_bytes(4, "little")
    with pytest.raises(BadArchive):
        read(bytes(data))


def test_a_directory_of_a_million_entries_is_not_taken_into_memory() -> None:
    data = overlapping(60_000, b"x")
    with pytest.raises(BadArchive, match="damaged"):
        read(data)


def test_members_are_read_one_at_a_time() -> None:
    class Watched(io.BytesIO):
        seen = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.seen += len(data)
            return data

    noise = [np.random.default_rng(n).bytes(500_000) for n in range(8)]
    file = Watched(zipped({f"{n}.png": data for n, data in enumerate(noise)}))
    uploads = read_archive(file, max_total=10**8, max_file=10**7)
    assert next(uploads).data == noise[0]
    assert file.seen < 1_000_000
    assert [u.data for u in uploads] == noise[1:]
