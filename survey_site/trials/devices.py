"""Browser family and kind of device, from the User-Agent header; the header itself is not stored."""

_FAMILIES = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
DEVICES = ("phone", "tablet", "computer")


def browser_family(user_agent: str) -> str:
    """One of a few names, or “other”."""
    return next((name for mark, name in _FAMILIES if mark in user_agent), "other")


def is_phone(user_agent: str) -> bool:
    """Whether the browser calls itself a phone's. Tablets do not count."""
    return ("Mobi" in user_agent and "iPad" not in user_agent) or "iPhone" in user_agent


def device(user_agent: str) -> str:
    """One of DEVICES, or empty where the browser does not say. An iPad that asks for desktop pages is a computer."""
    if is_phone(user_agent):
        return "phone"
    if any(mark in user_agent for mark in ("iPad", "Tablet", "Android")):
        return "tablet"
    return "computer" if any(mark in user_agent for mark in ("Windows", "Macintosh", "X11", "CrOS")) else ""
