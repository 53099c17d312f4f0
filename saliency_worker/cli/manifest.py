"""The manifest of one output folder: what was made, with which settings, and what is complete.

While a run goes on every finished image is one line of a journal, so that a kill at any moment loses
at most the image being worked on. At the end, also after ^C, the journal is folded into `manifest.json`.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any

from saliency_worker.cli.errors import CommandError
from saliency_worker.cli.files import remove_partials, write_atomically, write_error

FORMAT = "saliency-survey/maps-1"
MANIFEST = "manifest.json"

Record = dict[str, Any]


class Manifest:
    """Records by stem under one dictionary of settings, kept on disk in `folder`.

    Attributes:
        settings: what must be equal for results to stand side by side, JSON-able.
        records: stem → record of a complete image.
    """

    def __init__(self, folder: Path, settings: Record, *, name: str = MANIFEST) -> None:
        """Raises CommandError where `folder` holds results of other settings or an unreadable manifest."""
        self.folder = folder
        self.settings = settings
        self.path = folder / name
        self.journal = folder / journal_name(name)
        self.records: dict[str, Record] = {}
        self._file: FileIO | None = None
        self._load()

    @contextmanager
    def writing(self) -> Iterator["Manifest"]:
        """Hold the folder for one run; on the way out, however it ends, fold the journal into the manifest."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = _open_locked(self.journal)
        except OSError as error:
            raise write_error(self.folder, error) from error
        try:
            self._load()  # what another run finished between our reading and our lock counts too
            remove_partials(self.folder)
            self._append({"settings": self.settings})
            yield self
            self._fold()
        except BaseException:
            self._fold_if_possible()
            raise
        finally:
            self._file.close()
            self._file = None

    def add(self, stem: str, record: Record) -> None:
        """Record an image as complete; its files must be in place already."""
        self._append({"stem": stem, "record": record})
        self.records[stem] = record

    def _append(self, line: Record) -> None:
        if self._file is None:
            raise RuntimeError("records are added inside `with manifest.writing()`")
        try:
            # The newline in front ends a line that a kill or a full disk cut short.
            rest = f"\n{json.dumps(line)}\n".encode()
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise write_error(self.journal, error) from error

    def _load(self) -> None:
        if self.path.exists():
            stored = read(self.path)
            self._require_same(stored.get("settings"))
            self.records.update(stored.get("images", {}))
        if not self.journal.exists():
            return
        for text in self.journal.read_text("utf-8", errors="replace").split("\n"):
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                continue  # empty or cut short: that image is simply not complete
            if "settings" in line:
                self._require_same(line["settings"])
            else:
                self.records[line["stem"]] = line["record"]

    def _fold(self) -> None:
        if not self.records:
            self.journal.unlink(missing_ok=True)
            with suppress(OSError):
                self.folder.rmdir()  # succeeds only where this run made it and wrote nothing
            return
        content = {
            "format": FORMAT,
            "settings": self.settings,
            "images": {stem: self.records[stem] for stem in sorted(self.records)},
        }
        text = json.dumps(content, indent=1, allow_nan=False)
        write_atomically(self.path, text.encode() + b"\n")
        self.journal.unlink(missing_ok=True)

    def _fold_if_possible(self) -> None:
        """After an error: the journal alone is enough to go on, so a second error must not hide the first."""
        try:
            self._fold()
        except (CommandError, OSError):
            return

    def _require_same(self, stored: object) -> None:
        _refuse_difference(self.folder, stored, self.settings)


def journal_name(manifest: str) -> str:
    """`manifest.json` → `.manifest.jsonl`."""
    return f".{manifest}l"


def read(path: Path) -> Record:
    """A manifest as a dictionary. Raises CommandError where it is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CommandError(
            f"{path}: not a readable manifest; choose another --out, or give --overwrite"
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or not _is_whole(content):
        raise CommandError(
            f"{path}: not a manifest of this program; choose another --out, or give --overwrite"
        )
    return content


def _is_whole(content: Record) -> bool:
    """Whether settings and records have the form that this program writes."""
    records = content.get("images")
    return (
        isinstance(content.get("settings"), dict)
        and isinstance(records, dict)
        and all(isinstance(record, dict) and "image_sha256" in record for record in records.values())
    )


def require_same(folder: Path, asked: Record) -> None:
    """Refuse early, before anything slow: `asked` are the settings known without the engine.

    Raises CommandError where the manifest in `folder` differs in one of them or cannot be read.
    """
    stored = read(folder / MANIFEST).get("settings") if (folder / MANIFEST).exists() else None
    if isinstance(stored, dict):
        _refuse_difference(folder, {key: stored.get(key) for key in asked}, asked)


def discard(folder: Path, *, name: str = MANIFEST) -> None:
    """Forget what a folder holds (for --overwrite). The files themselves are replaced one by one."""
    (folder / name).unlink(missing_ok=True)
    (folder / journal_name(name)).unlink(missing_ok=True)


def _refuse_difference(folder: Path, stored: object, wanted: Record) -> None:
    if stored != wanted:
        raise CommandError(
            f"{folder} holds results made with other settings ({_difference(stored, wanted)}); "
            f"choose another --out, or give --overwrite to start afresh"
        )


def _difference(stored: object, wanted: Record) -> str:
    if not isinstance(stored, dict):
        return "unreadable settings"
    keys = [key for key in {**stored, **wanted} if stored.get(key) != wanted.get(key)]
    return "; ".join(
        f"{key}: {_short(stored.get(key))} there, {_short(wanted.get(key))} here" for key in keys[:3]
    )


def _short(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _open_locked(journal: Path) -> FileIO:
    """Open the journal for this run alone. Raises CommandError where another run holds it."""
    while True:
        file = FileIO(journal, "a")
        try:
            _lock(file, journal.parent)
            # A run that ended meanwhile has folded and removed the file we opened: take the new one.
            if _same(file, journal):
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _same(file: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _lock(file: FileIO, folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: no such lock there
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise CommandError(
            f"{folder}: another run is writing here; wait for it or choose another --out"
        ) from error
    except OSError:
        return  # a file system without locks
