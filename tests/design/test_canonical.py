"""Canonical JSON: one hash for one content, whatever its order or store; differences that people can read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_site.design.canonical import NotCanonical, canonical, differences, sha256

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def test_the_hash_is_that_of_sha256sum():
    # printf '{"a":[1,2.5,"é"],"b":null}' | sha256sum
    document = {"b": None, "a": (1.0, 2.5, "é")}
    assert canonical(document) == '{"a":[1,2.5,"é"],"b":null}'.encode()
    assert sha256(document) == "c85a32002ab44befebd40fe674e4ac562524fa9d905f307b8f88d90d0b01b62c"


@given(DOCUMENTS)
def test_reading_the_canonical_text_back_gives_the_same_hash(document):
    assert sha256(json.loads(canonical(document))) == sha256(document)
    assert sha256(json.loads(json.dumps(document))) == sha256(document)


@given(st.dictionaries(TEXT, st.integers(), min_size=2))
def test_the_order_of_keys_does_not_matter(document):
    assert sha256(dict(reversed(document.items()))) == sha256(document)


def test_numbers_that_jsonb_rewrites_hash_alike():
    assert sha256([1e20, -0.0, 3.0]) == sha256([100000000000000000000, 0, 3])
    assert sha256([1e-07]) == sha256(json.loads("[0.0000001]"))


def test_true_is_not_one_and_order_in_lists_counts():
    assert len({sha256(value) for value in ([1], [True], ["1"], [1, 2], [2, 1], None, [], {})}) == 8


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), r"document\.a is nan"),
        (float("inf"), r"document\.a is inf"),
        ("x\0", r"document\.a contains a NUL"),
        ("\ud800", r"document\.a contains a NUL or half"),
        ({1: 2}, r"document\.a has the key 1"),
        ([b"bytes"], r"document\.a\[0\] is a bytes"),
    ],
)
def test_what_a_store_would_refuse_or_change_is_refused_with_its_place(value, message):
    with pytest.raises(NotCanonical, match=message):
        canonical({"a": value})


@given(DOCUMENTS, DOCUMENTS)
def test_there_is_a_difference_exactly_if_the_hashes_differ(one, two):
    assert bool(differences(one, two)) == (sha256(one) != sha256(two))


@given(DOCUMENTS)
def test_a_document_has_no_difference_to_itself(document):
    assert differences(document, json.loads(json.dumps(document))) == []


def lines(old, new):
    return [str(difference) for difference in differences(old, new)]


def test_changes_are_named_by_their_path():
    old = {"pool_size": 4, "texts": {"en": "Hello"}, "seed": 1}
    new = {"pool_size": 6, "texts": {"en": "Hello", "fr": "Bonjour"}}
    assert lines(old, new) == ["pool_size: 4 → 6", "seed: removed 1", 'texts.fr: added "Bonjour"']


def test_items_of_a_list_are_matched_by_their_identity():
    old = {"conditions": [{"key": "a", "base": "gradcam"}, {"key": "b", "base": "cam"}]}
    new = {"conditions": [{"key": "b", "base": "gradcampp"}, {"key": "c", "base": "cam"}]}
    assert lines(old, new) == [
        'conditions[a]: removed {"base": "gradcam", "key": "a"}',
        'conditions[b].base: "cam" → "gradcampp"',
        'conditions[c]: added {"base": "cam", "key": "c"}',
    ]


def test_another_order_of_the_same_items_is_a_change():
    assert lines([{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 1}]) == [' (order): ["1", "2"] → ["2", "1"]']


def test_plain_lists_show_what_was_put_in_and_taken_out():
    assert lines({"l": [1, 2, 3]}, {"l": [1, 3, 4]}) == ["l[1]: removed [2]", "l[3]: added [4]"]
    assert lines({"l": [1, 2, 3]}, {"l": [1, 9, 3]}) == ["l[1]: 2 → 9"]


def test_long_texts_are_shown_around_their_first_difference():
    old = "word " * 100
    (difference,) = differences({"text": old}, {"text": old[:300] + "CHANGED" + old[300:]})
    assert "CHANGED" in difference.new
    assert difference.new.startswith('"…')
    assert len(difference.old) <= 120
