"""What can go wrong with a backup, as one line that says what to do."""


class BackupError(Exception):
    """The backup was not made, or not restored. Nothing was changed, unless the message says what was."""
