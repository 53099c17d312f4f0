"""What can go wrong with a backup, as one line that says what to do."""


class BackupError(Exception):
    """The backup was not made, or not restored. Nothing was changed, unless the message says what was."""


def one_line(error: Exception) -> str:
    """What an error says, whatever its lines, as part of a message."""
    return " ".join(str(error).split())[:300]
