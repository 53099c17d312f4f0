"""What the caches hold, as JSON: whoever can write into a cache can thereby make no process run anything.

Django's own caches unpickle what they read. A value comes back as it went in: tuples, bytes, times, and keys of
dictionaries that are no text, which JSON alone does not tell apart, are marked.
"""

import base64
import json
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.filebased import FileBasedCache
from django.core.files import locks
from django.utils.functional import Promise

MARK = "$"  # the one key of a dictionary that stands for something else
RAW, TEXT = b"r", b"j"
EXPIRY = struct.Struct("<d")


class Serializer:
    """For Redis, by the cache's option `serializer`. Whole numbers stay as they are, so that Redis can count them."""

    def dumps(self, value: Any) -> bytes | int:
        return value if type(value) is int else encode(value)

    def loads(self, data: bytes) -> Any:
        try:
            return int(data)
        except ValueError:
            return decode(data)


def encode(value: Any) -> bytes:
    """The value as bytes; TypeError for what has no form in JSON, such as an object of a class."""
    if isinstance(value, bytes):
        return RAW + value
    return TEXT + json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False).encode()


def decode(data: bytes) -> Any:
    """The value of these bytes. ValueError for what `encode` did not write."""
    if data[:1] == RAW:
        return data[1:]
    if data[:1] != TEXT:
        raise ValueError("The cache holds something that this site did not write.")
    return json.loads(data[1:], object_hook=_marked)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value) and MARK not in value:
            return {key: _plain(item) for key, item in value.items()}
        return {MARK: "pairs", "of": [[_plain(key), _plain(item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {MARK: "tuple", "of": [_plain(item) for item in value]}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return {MARK: "bytes", "of": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {MARK: "datetime", "of": value.isoformat()}
    if isinstance(value, date):
        return {MARK: "date", "of": value.isoformat()}
    return str(value) if isinstance(value, Promise) else value


def _marked(found: dict[str, Any]) -> Any:
    match found.get(MARK):
        case "pairs":
            return dict(found["of"])
        case "tuple":
            return tuple(found["of"])
        case "bytes":
            return base64.b64decode(found["of"])
        case "datetime":
            return datetime.fromisoformat(found["of"])
        case "date":
            return date.fromisoformat(found["of"])
    return found


class JsonFileCache(FileBasedCache):
    """Django's cache of files: when a value ends, then the value, packed. What cannot be read is not there.

    `add` and `incr` count exactly, whatever threads and processes count at once, and a count keeps its end: Django's
    own read and write without a lock, and each count starts the time anew. A full folder loses what ended, then what
    was written longest ago, so that a running count stays.
    """

    _key_to_file: Any  # of Django, whose stubs leave them out
    _delete: Any
    _dir: str
    _createdir: Any
    _list_cache_files: Any
    _max_entries: int
    _cull_frequency: int
    cache_suffix = ".cached"  # files of Django's own format are left alone

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        try:
            with open(self._key_to_file(key, version), "rb") as file:  # noqa: PTH123  (as Django has it)
                return default if self._is_expired(file) else decode(zlib.decompress(file.read()))
        except (FileNotFoundError, ValueError, zlib.error):
            return default

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        with self._alone(key, version):
            return super().add(key, value, timeout, version)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Adds to a number that is there; ValueError where there is none."""
        with self._alone(key, version):
            value = self.get(key, None, version)
            if value is None:
                raise ValueError(f"Key {key!r} not found")
            ends = EXPIRY.unpack(Path(self._key_to_file(key, version)).read_bytes()[: EXPIRY.size])[0]
            rest = None if ends == float("inf") else ends - time.time()
            self.set(key, value + delta, rest, version)
            return int(value + delta)

    @contextmanager
    def _alone(self, key: str, version: int | None) -> Iterator[None]:
        """Holds one of 16 locks, by key: other threads and processes of this folder wait."""
        self._createdir()
        name = Path(self._key_to_file(key, version)).name
        with (Path(self._dir) / f"{name[0]}.lock").open("a") as file:
            locks.lock(file, locks.LOCK_EX)
            yield  # closing the file lets go

    def _cull(self) -> None:
        files = [Path(name) for name in self._list_cache_files()]
        if len(files) < self._max_entries:
            return
        left = [file for file in files if not self._ended(file)]
        if len(left) >= self._max_entries:
            for file in sorted(left, key=_written)[: len(left) // (self._cull_frequency or 1)]:
                self._delete(str(file))

    def _ended(self, path: Path) -> bool:
        try:
            with path.open("rb") as file:
                return self._is_expired(file)
        except FileNotFoundError:
            return True

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        missing = object()
        value = self.get(key, missing, version)
        if value is missing:
            return False
        self.set(key, value, timeout, version)
        return True

    def _write_content(self, file: Any, timeout: Any, value: Any) -> None:
        expiry = self.get_backend_timeout(timeout)
        file.write(EXPIRY.pack(float("inf") if expiry is None else expiry))
        file.write(zlib.compress(encode(value)))

    def _is_expired(self, file: Any) -> bool:
        """Looks at the beginning of an open file, and deletes it when its time is over or it is torn."""
        head = file.read(EXPIRY.size)
        if len(head) == EXPIRY.size and EXPIRY.unpack(head)[0] >= time.time():
            return False
        file.close()
        self._delete(file.name)
        return True


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process was faster
        return 0.0
