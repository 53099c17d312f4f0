"""Zips of pictures: classes by folder or labels.csv, and the zips that are refused whole."""

import io
import stat
import zipfile

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
