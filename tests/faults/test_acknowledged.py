"""The notes of what was acknowledged: whole after the program was killed at any byte."""

from pathlib import Path

from tests.faults.acknowledged import BEGUN, ENDED, SENT, TAKEN, Acknowledged


def written(path: Path) -> Acknowledged:
    notes = Acknowledged.kept_in(path)
    notes.note(BEGUN, "one")
    notes.note(BEGUN, "two")
    notes.note(SENT, "one", 0, "3")
    notes.note(TAKEN, "one", 0, "3")
    notes.note(SENT, "one", 1, "cant_tell")
    notes.note(ENDED, "two")
    return notes


def test_a_later_run_knows_what_an_earlier_one_noted(tmp_path: Path) -> None:
    before = written(tmp_path / "notes")
    after = Acknowledged.kept_in(tmp_path / "notes")
    assert (after.sent, after.taken, after.total) == (before.sent, before.taken, 1)
    assert list(after.unfinished()) == ["one"]
    after.note(TAKEN, "one", 1, "cant_tell")
    assert Acknowledged.kept_in(tmp_path / "notes").taken == {"one": {0: "3", 1: "cant_tell"}}


def test_a_line_cut_off_anywhere_is_as_if_it_had_not_been_written(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    written(path)
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        notes = Acknowledged.kept_in(path)
        notes.note(BEGUN, "three")
        again = Acknowledged.kept_in(path)
        assert "three" in again.begun
        assert again.begun <= {"one", "two", "three"}
        assert (
            again.total
            == notes.total
            == int(whole[:length].count(b"taken") and length >= whole.index(b"sent\tone\t1"))
        )


def test_an_answer_acknowledged_twice_counts_once(tmp_path: Path) -> None:
    notes = Acknowledged()
    for _ in range(2):
        notes.note(TAKEN, "one", 4, "1")
    assert notes.total == 1
