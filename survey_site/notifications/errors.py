"""How sending can fail."""


class Permanent(Exception):
    """Trying again will not help; the message says in words what is wrong."""


class Transient(Exception):
    """It may work later."""
