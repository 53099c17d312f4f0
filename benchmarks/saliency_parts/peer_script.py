"""The script a researcher would write today for the full set of 18 maps of one image.

tf-keras-vis for the CAMs (one noisy copy per call, as its documentation shows, or batched by hand), OpenCV's Sobel
for the edges (cheaper than any learned detector), NumPy for the combinations, `model.predict` for each
explanation map, OpenCV for colours and PNGs. Nothing in it is slowed down on purpose.
"""

from pathlib import Path

import cv2
import keras
import numpy as np

from benchmarks.saliency_parts.peers import TfKerasVis


def full_set(
    model: keras.Model,
    cams: TfKerasVis,
    crop: np.ndarray,
    x: np.ndarray,
    black: np.ndarray,
    index: int,
    sigma: float,
    out: Path,
    *,
    batched: bool,
) -> list[dict[str, float]]:
    """Write 18 PNGs of one image and return what its 18 explanation maps are classified as.

    crop: uint8 (H, W, 3); x: its float32 network input; black: the input of a black pixel; sigma: in units of x.
    batched: send the noisy copies through in one call.
    """
    image = crop.astype("float32") / 255
    size = crop.shape[1], crop.shape[0]
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype("float32")
    edges = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    edges = np.repeat((edges / edges.max())[..., None], 3, axis=2)
    inputs = {"F1": edges, "F2": (2 * image + edges) / 3, "F3": (image + edges) / 2}
    results = []
    for number, cam in enumerate(cams.three(x[None], np.array([index]), 25, sigma, batched=batched)[0]):
        large = normalise(cv2.resize(cam, size, interpolation=cv2.INTER_LINEAR))
        colour = (
            cv2.cvtColor(cv2.applyColorMap(np.uint8(large * 255), cv2.COLORMAP_JET), cv2.COLOR_BGR2RGB)
            / 255.0
        )
        maps = {"bare": (large, colour)}
        for ours, key in enumerate(("F1", "F2", "F3"), 1):
            f = inputs[key]
            maps[f"ours{ours}"] = (normalise(0.25 * luma(f) + large), np.clip(0.25 * f + colour, 0, 1))
        for ours, key in ((4, "F1"), (5, "F3")):
            f = 1 - inputs[key]
            maps[f"ours{ours}"] = (normalise(luma(f) * large), f * colour)
        for name, (scalar, display) in maps.items():
            keep = scalar >= np.percentile(scalar, 20)
            masked = np.where(keep[..., None], x, black).astype("float32")
            logits = model.predict(masked[None], verbose=0)[0]
            softmax = np.exp(logits - logits.max())
            softmax /= softmax.sum()
            results.append({"class": int(logits.argmax()), "confidence": float(softmax.max())})
            picture = np.uint8(np.rint(display * 255))
            cv2.imwrite(str(out / f"{number}.{name}.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return results


def normalise(array: np.ndarray) -> np.ndarray:
    """Min-max to 0..1, zeros where flat."""
    span = array.max() - array.min()
    return (array - array.min()) / span if span > 0 else np.zeros_like(array)


def luma(rgb: np.ndarray) -> np.ndarray:
    """ITU-R 601 luma of (H, W, 3)."""
    return rgb @ np.array([0.299, 0.587, 0.114])
