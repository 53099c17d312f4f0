"""A bar with images per second and the time left on a terminal; nothing in a pipe."""

import io

import pytest

from saliency_worker.cli.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("quiet", [False, True])
def test_a_terminal_shows_rate_and_time_left(monkeypatch: pytest.MonkeyPatch, quiet: bool) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    assert list(progress("abc", 3, "Explaining", quiet=quiet)) == ["a", "b", "c"]
    shown = terminal.getvalue()
    if quiet:
        assert shown == ""
    else:
        assert "Explaining" in shown
        assert "/3 images" in shown
        assert "image/s" in shown
        assert "left" in shown


def test_a_pipe_gets_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress("abc", 3, "Explaining")) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""
