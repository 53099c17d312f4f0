"""The error of the command line."""


class CommandError(Exception):
    """What the user asked cannot be done. The message is one line and says what to do."""
