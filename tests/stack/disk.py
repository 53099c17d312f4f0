"""A small disk in memory, so that it can be filled: needs root and a system that lets it mount."""

import errno
import os
import subprocess
from pathlib import Path

MOST_AT_ONCE = 1024 * 1024


class Disk:
    """A mounted tmpfs; `mounted` is False where none may be mounted, and the folder is an ordinary one."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
        self.mounted = (
            os.geteuid() == 0
            and subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0
        )

    def fill(self) -> None:
        """Takes all the room that is left."""
        size = MOST_AT_ONCE
        with (self.folder / "ballast").open("ab", buffering=0) as ballast:
            while size:
                try:
                    ballast.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2

    def free(self) -> None:
        """Gives the room back."""
        (self.folder / "ballast").unlink(missing_ok=True)

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=True)
            self.mounted = False
