"""Backups as age files (https://age-encryption.org): any `age` can open them, also when this program is gone.

The server needs the public key alone, so that whoever takes the server over cannot read older backups.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pyrage

from survey_site.backup.errors import BackupError

AGE_BEGINS = b"age-encryption.org/"
MOST_SHOWN = 12  # letters


def new_key(path: Path) -> str:
    """Writes a new private key into a file of its own, for its user alone; returns the public one."""
    identity = pyrage.x25519.Identity.generate()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror}; no key was made.") from error
    with os.fdopen(descriptor, "w") as handle:
        handle.write(f"# public key: {identity.to_public()}\n{identity}\n")
    return str(identity.to_public())


def recipient(text: str) -> Any:
    """A public key, `age1…` or `ssh-ed25519 …`; raises BackupError, which holds no more of it: it may be a private one."""
    kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
    try:
        return kind.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        begins = text if len(text) < MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
        raise BackupError(
            f"{begins!r} is no public key of age; it begins with age1, and manage.py backup --new-key FILE makes one."
        ) from error


def identities(path: Path) -> list[Any]:
    """The private keys of a file of age-keygen, or the one of an OpenSSH key file; raises BackupError."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(f"{path} could not be read as a file of private keys: {error}") from error
    try:
        if "OPENSSH PRIVATE KEY" in text:
            return [pyrage.ssh.Identity.from_buffer(text.encode())]
        lines = [line.strip() for line in text.splitlines()]
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except pyrage.IdentityError as error:
        raise BackupError(f"{path} holds no private key of age (AGE-SECRET-KEY-…): {error}") from error
    if not found:
        raise BackupError(f"{path} holds no private key of age (AGE-SECRET-KEY-…).")
    return found


def is_encrypted(path: Path) -> bool:
    """Whether the file begins as age files do."""
    with path.open("rb") as handle:
        return handle.read(len(AGE_BEGINS)) == AGE_BEGINS


@contextmanager
def encrypting(target: IO[bytes], recipients: list[Any]) -> Iterator[IO[bytes]]:
    """A stream to write to; what is written arrives encrypted, never in the clear on the disk."""

    def work(source: IO[bytes]) -> None:
        try:
            pyrage.encrypt_io(source, target, recipients)
        except pyrage.EncryptError as error:  # also where the disk is full
            raise BackupError(f"The backup was not made: it could not be encrypted ({error}).") from error

    with _piped(work, writes=True) as stream:
        yield stream


@contextmanager
def decrypting(source: IO[bytes], keys: list[Any]) -> Iterator[IO[bytes]]:
    """A stream to read from. Raises BackupError where no key fits or the file was altered, once the block ends."""

    def work(target: IO[bytes]) -> None:
        try:
            pyrage.decrypt_io(source, target, keys)
        except BrokenPipeError:
            pass  # the reader stopped, and says why
        except (pyrage.DecryptError, OSError) as error:
            raise BackupError(_told(str(error))) from error

    with _piped(work, writes=False) as stream:
        yield stream


def _told(error: str) -> str:
    if "no match" in error.lower():
        return (
            "This key does not open the backup: give, by --identity, the file of the private key whose public key it was "
            "made for."
        )
    return f"The backup was altered or cut short: it cannot be decrypted ({error}). Take another copy."


@contextmanager
def _piped(work: Any, *, writes: bool) -> Iterator[IO[bytes]]:
    """Runs `work` on the other end of a pipe, in a thread. Its failure counts more than that of the block."""
    reading, writing = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
    mine, other = (writing, reading) if writes else (reading, writing)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work(other)
        except BaseException as error:  # handed over to the thread that waits
            failed.append(error)
        finally:
            _close(other)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield mine
    except BaseException:
        _close(mine)
        thread.join()
        _raise(failed)
        raise
    _close(mine)
    thread.join()
    _raise(failed)


def _close(stream: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # the other end has said what was wrong
        stream.close()


def _raise(failed: list[BaseException]) -> None:
    if failed:
        raise failed[0]
