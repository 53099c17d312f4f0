"""Networks as people build them. Each says by its own layers what its map is; tape.py compares the engine with that."""

from tests.saliency.zoo import fitted as fitted
from tests.saliency.zoo import joined as joined
from tests.saliency.zoo import own as own
from tests.saliency.zoo import wrapped as wrapped
from tests.saliency.zoo.shapes import GAP as GAP
from tests.saliency.zoo.shapes import SIDE as SIDE
from tests.saliency.zoo.shapes import ZOO as ZOO
from tests.saliency.zoo.shapes import chain as chain
from tests.saliency.zoo.shapes import conv as conv
from tests.saliency.zoo.shapes import plain as plain
from tests.saliency.zoo.shapes import stir as stir
from tests.saliency.zoo.shapes import two as two
