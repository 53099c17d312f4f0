"""What the formula of a method may need. Standard library only.

A further need is a member here and the place in the engine that provides it (docs/methods.md).
"""

from enum import StrEnum


class Need(StrEnum):
    """What a formula takes. The engine provides each thing once, whatever the number of methods that need it.

    N is the number of rows in a batch; methods of one image get arrays without it.
    """

    ACTIVATIONS = "activations"
    """``A`` (N, h, w, K) of the explained layer, float32, a tensor; of one image an array (h, w, K)."""
    GRADIENTS = "gradients"
    """``g = dY^c/dA`` (N, h, w, K) of the class's logit, float32, a tensor; of one image an array (h, w, K)."""
    COMPACT_GRADIENTS = "compact_gradients"
    """The same, but (N, 1, 1, K) where ``g`` is equal at every place, as behind global average pooling: far cheaper."""
    CLASS_WEIGHTS = "class_weights"
    """``w^c`` (N, K) of the dense layer behind global average pooling, a tensor; refused for another head."""
    INPUT = "input"
    """``x`` (N, H, W, C), the picture as the network takes it, float32, a tensor."""
    INPUT_GRADIENTS = "input_gradients"
    """``dY^c/dx`` (N, H, W, C) of the class's logit, float32, a tensor."""
    WALK = "walk"
    """A ``saliency.walk.Walk``: the network's operations with what they gave, to be gone back by rules of one's own."""
    NOISY_MAPS = "noisy_maps"
    """Maps (n, h, w) of the method ``of`` for n noisy copies of the image, a float32 array."""
    IMAGE = "image"
    """The crop (H, W, 3), a float32 array in 0..1."""
    EDGES = "edges"
    """The edge map (H, W), a float32 array in 0..1."""
    ROW = "row"
    """``x`` (H, W, C) of one image, the picture as the network takes it, a float32 array."""
    BLACK = "black"
    """The same of a black picture (H, W, C): the baseline."""
    DIFFERENCE = "difference"
    """``Y^c`` of the image less that of a black picture, a float."""
    NOISY_ROWS = "noisy_rows"
    """Noisy copies (n, H, W, C) of the same, those of Smooth Grad-CAM++, a float32 array."""
    SEED = "seed"
    """The image's own seed, an int: whatever is drawn at random follows from it alone."""
    SCORES_AT = "scores_at"
    """A ``saliency.answers.ScoresAt``: rows (n, H, W, C) to the class's scores, in batches of a fixed size."""
    HEAD_SCORES_AT = "head_scores_at"
    """The same for activations (n, h, w, K) in place of rows: the part of the network behind the explained layer."""
    PROBE = "probe"
    """A ``saliency.probe.Probe``: one image, all T of its classes that are explained, and the network's answers to changed
    copies. The formula gives the maps of all classes, (T, h, w) or (T, H, W): they share the passes."""
    SUPERPIXELS = "superpixels"
    """A function from about how many to the labels (H, W) of the image's superpixels, from 0."""
    INPUT_GRADIENTS_AT = "input_gradients_at"
    """A ``saliency.answers.GradientsAt``: rows (n, H, W, C) to ``dY^c/dx`` at each, (n, H, W, C)."""


TENSORS = frozenset(
    {
        *(Need.ACTIVATIONS, Need.GRADIENTS, Need.COMPACT_GRADIENTS, Need.CLASS_WEIGHTS),
        *(Need.INPUT, Need.INPUT_GRADIENTS, Need.WALK),
    }
)
FROM_THE_INPUT = frozenset({Need.INPUT, Need.INPUT_GRADIENTS, Need.WALK})
"""Tensors for which the whole network is gone through, not its head alone."""
PICTURES = frozenset({Need.IMAGE, Need.EDGES})
ASKING = frozenset({Need.SCORES_AT, Need.HEAD_SCORES_AT, Need.INPUT_GRADIENTS_AT, Need.PROBE})
"""Functions of one image's class, which a formula calls as often as it likes."""
ASKED = ASKING | {
    *(Need.ROW, Need.BLACK, Need.DIFFERENCE, Need.NOISY_ROWS, Need.SEED),
    *(Need.IMAGE, Need.SUPERPIXELS, Need.ACTIVATIONS, Need.GRADIENTS),
}
"""What methods that ask may need beside."""
OF_CLASS = frozenset(
    {
        *(Need.GRADIENTS, Need.COMPACT_GRADIENTS, Need.CLASS_WEIGHTS, Need.INPUT_GRADIENTS, Need.WALK),
        *ASKING,
    }
)
"""What differs from one class of the network to the next."""
