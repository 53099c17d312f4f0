"""Names of classes come as people write them; what is no such file, or fits the network not, is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saliency_worker.class_names import BadClassNames, fitting, index_of, read_class_file, read_class_names

NAMES = ("cat", "dog", "owl")


@pytest.mark.parametrize(
    "text",
    [
        '["cat", "dog", "owl"]',
        '{"dog": 1, "owl": 2, "cat": 0}',  # class_indices of Keras, in the order of the folders or any other
        '{"2": "owl", "0": "cat", "1": "dog"}',
        "cat\ndog\nowl\n",
        "\ufeffcat\r\n\r\ndog\r\nowl",
    ],
)
def test_a_list_both_objects_and_lines_give_the_same_names(text: str) -> None:
    assert read_class_names(text) == NAMES


def test_digits_may_be_names_of_either_object() -> None:
    assert read_class_names('{"7": 0, "1": 1}') == ("7", "1")
    assert read_class_names('{"0": "7", "1": "1"}') == ("7", "1")


@given(st.lists(st.text("abcdé xyz", min_size=1).filter(str.strip), min_size=1, max_size=9, unique=True))
def test_what_json_writes_is_read_back(names: list[str]) -> None:
    by_name = {name: index for index, name in enumerate(names)}
    by_index = {str(index): name for index, name in enumerate(names)}
    for form in (names, by_name, dict(reversed(by_name.items())), by_index):
        assert read_class_names(json.dumps(form)) == tuple(names)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '["cat", 1]',
        '["cat", ""]',
        '["cat", "  "]',
        '["cat", "d\\u0000g"]',
        '["cat"',
        '{"cat": 0, "dog": 2}',
        '{"cat": 0, "dog": 0}',
        '{"cat": 0, "cat": 1}',
        '{"cat": 1, "dog": 2}',
        '{"cat": true, "dog": false}',
        '{"cat": 0.0, "dog": 1.0}',
        '{"0": "cat", "dog": "1"}',
        '{"0": ["n02123045", "tabby"]}',
        '{"class_name": "Functional", "config": {"name": "model"}}',
        "[" * 100_000,
        json.dumps(["x" * 200]),
    ],
)
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadClassNames) as caught:
        read_class_names(text)
    assert "\n" not in str(caught.value)


def test_another_number_of_names_than_of_classes_is_refused(tmp_path: Path) -> None:
    assert fitting(NAMES, 3) == NAMES
    file = tmp_path / "names.json"
    file.write_text(json.dumps(NAMES))
    with pytest.raises(BadClassNames, match=r"names\.json: there are 3 names, but the network has 2 classes"):
        read_class_file(file, 2)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("chat\nœil\nlièvre".encode("latin-1", "replace"))
    for name, told in (("gone.json", "cannot be read"), ("latin.txt", "no UTF-8")):
        with pytest.raises(BadClassNames, match=f"{name}: .*{told}"):
            read_class_file(tmp_path / name)


def test_a_class_is_meant_by_its_name_or_its_index() -> None:
    names = ("Tabby_cat", "dog", "DOG", "3", "crane", "crane")
    assert index_of(names, 6, "tabby cat") == 0
    assert index_of(names, 6, " DOG ") == 2
    assert index_of(names, 6, "3") == 3  # a name before an index
    assert index_of(names, 6, "1") == 1
    assert index_of((), 6, "5") == 5


@pytest.mark.parametrize(
    ("names", "wanted", "told"),
    [
        (NAMES, "horse", "no class of the network; it has cat, dog, owl"),
        (NAMES, "3", "the classes 0 to 2"),
        (NAMES, "-1", "no class"),
        (("crane", "crane", "owl"), "crane", "classes 0, 1; give the index"),
        ((), "cat", "no class names"),
    ],
)
def test_a_class_that_is_not_there_or_twice_is_refused(
    names: tuple[str, ...], wanted: str, told: str
) -> None:
    with pytest.raises(BadClassNames, match=told):
        index_of(names, 3, wanted)
