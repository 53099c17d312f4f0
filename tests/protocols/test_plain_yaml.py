"""Plain data as YAML and back; everything else that YAML can is refused in one line."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_site.protocols.study_file import plain_yaml
from survey_site.protocols.study_file.plain_yaml import BadYaml

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.sampled_from(
        ["no", "on", "1:30", "2031-12-24", "1e5", "0x1f", "~", "", "true", "two\nlines", " x\ny\n", "=", "<<"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, PLAIN, max_size=4))
def test_plain_data_come_back_from_yaml_and_from_json(data: Any) -> None:
    text = plain_yaml.written(data, "a comment\nof two lines")
    assert plain_yaml.read(text.encode()) == data
    assert plain_yaml.written(plain_yaml.read(text.encode()), "a comment\nof two lines") == text
    assert plain_yaml.read(json.dumps(data).encode()) == data


def test_lines_are_written_as_lines() -> None:
    assert (
        plain_yaml.written({"welcome": "Hello.\n\nHow are you?\n"})
        == "welcome: |\n  Hello.\n\n  How are you?\n"
    )


@pytest.mark.parametrize("word", ["no", "off", "12:30", "2031-12-24", "0777", "0x1f", "1_000", ".inf", "<<"])
def test_old_spellings_stay_text_or_plain_numbers(word: str) -> None:
    (found,) = plain_yaml.read(f"key: {word}\n".encode()).values()
    assert found == (777 if word == "0777" else word)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &x 1\nb: *x\n", "line 1: anchors and aliases"),
        ("a: [*x]\n", "anchors and aliases"),
        ("a: !!python/object/apply:os.system ['true']\n", "line 1: tags"),
        ("a: !!binary aGk=\n", "tags"),
        ("a: !mine 1\n", "tags"),
        ("? [a]\n: 1\n", "a key must be a word"),
        ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' stands twice"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ("a: 1\n---\nb: 2\n", "line 2: a second document"),
        ("a: [1\nb: 2\n", "this is not YAML"),
        ("a: 1\n\tb: 2\n", "this is not YAML"),
        ('{"a": NaN}', "NaN is no number"),
        ('a: "\\0"\n', "cannot be stored"),
        ('{"a": "\\ud800"}', "cannot be stored"),
        ("a: 1\0\n", "NUL"),
        ("[" * 50 + "]" * 50, "nested more than"),
        ('{"a":' * 90_000 + "1" + "}" * 90_000, "nested"),
    ],
)
def test_what_is_no_plain_data_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(BadYaml, match=says) as refused:
        plain_yaml.read(text.encode("utf-8", "surrogatepass"))
    assert "\n" not in str(refused.value)


def test_a_bomb_of_aliases_is_refused_before_it_unfolds() -> None:
    rows = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    begun = time.monotonic()
    with pytest.raises(BadYaml, match="anchors"):
        plain_yaml.read("\n".join(rows).encode())
    assert time.monotonic() - begun < 1


def test_huge_files_and_files_that_are_no_text_are_refused() -> None:
    with pytest.raises(BadYaml, match="more than 2 MB"):
        plain_yaml.read(b"#" * (plain_yaml.MOST_BYTES + 1))
    with pytest.raises(BadYaml, match="not UTF-8"):
        plain_yaml.read("a: é\n".encode("latin-1"))
    assert plain_yaml.read("\ufeffa: é\n".encode()) == {"a": "é"}
    assert plain_yaml.read(b"") is None
