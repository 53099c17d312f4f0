"""Colour profiles made by hand, so that tests know what their conversion must give."""

import struct

import numpy as np

# Adobe RGB (1998) and sRGB under D50 (Bradford), rows X, Y, Z; primaries as in their specifications.
ADOBE_TO_XYZ = np.array(
    [[0.6097559, 0.2052401, 0.1492240], [0.3111242, 0.6256560, 0.0632197], [0.0194811, 0.0608902, 0.7448387]]
)
SRGB_TO_XYZ = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
ADOBE_GAMMA = 563 / 256


def adobe_rgb() -> bytes:
    """A matrix profile of Adobe RGB."""
    columns = dict(zip(("rXYZ", "gXYZ", "bXYZ"), ADOBE_TO_XYZ.T, strict=True))
    tags = {name: _xyz(*values) for name, values in columns.items()}
    return _profile(
        "RGB ", tags | dict.fromkeys(("rTRC", "gTRC", "bTRC"), _gamma(ADOBE_GAMMA)), "Adobe by hand"
    )


def grey(gamma: float) -> bytes:
    """A grey profile of this gamma."""
    return _profile("GRAY", {"kTRC": _gamma(gamma)}, "Grey by hand")


def adobe_as_srgb(rgb: np.ndarray) -> np.ndarray:
    """The second implementation: 8-bit Adobe RGB as 8-bit sRGB, clipped to its gamut."""
    linear = (rgb / 255.0) ** ADOBE_GAMMA @ (np.linalg.inv(SRGB_TO_XYZ) @ ADOBE_TO_XYZ).T
    return encoded(linear)


def encoded(linear: np.ndarray) -> np.ndarray:
    """Linear light 0..1 as 8-bit sRGB."""
    light = np.clip(linear, 0, 1)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * curve).astype(int)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _gamma(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _text(text: str) -> bytes:
    data = text.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(data)) + data + bytes(78)


def _profile(space: str, tags: dict[str, bytes], name: str) -> bytes:
    tags = {"desc": _text(name), "cprt": b"text\0\0\0\0none\0", "wtpt": _xyz(0.9642, 1.0, 0.8249)} | tags
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        data += bytes(-len(data) % 4)
        table += tag.encode() + struct.pack(">II", start + len(body), len(data))
        body += data
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"mntr", space.encode(), b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += _fixed(0.9642) + _fixed(1.0) + _fixed(0.8249)
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + table + body
