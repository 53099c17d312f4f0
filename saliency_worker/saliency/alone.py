"""What is computed for one image alone, once its class is known: other networks, other passes, other inputs."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency_worker.needs import Need
from saliency_worker.saliency.activations import Network, at_rank
from saliency_worker.saliency.answers import Answers
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.formulas import Formula, Plan
from saliency_worker.saliency.noise import add_noise
from saliency_worker.saliency.probe import Probe
from saliency_worker.saliency.random_weights import randomised
from saliency_worker.saliency.settings import Settings
from saliency_worker.saliency.watching import Asked, Watch
from saliency_worker.saliency.work import Work

Array = npt.NDArray[np.float32]


class Alone:
    """The graphs of one image: of the network of random weights, of methods that go through the whole network, where the
    batches of the run hold noisy copies which those do not need, and of methods that ask it again."""

    def __init__(
        self, classifier: Classifier, plan: Plan, settings: Settings, limit: int, *, with_copies: bool
    ) -> None:
        """limit: rows of a batch that suit the device. Raises ModelError where a method does not suit the network."""
        self._plan, self._input = plan, classifier.input
        self._samples, self._noise = settings.samples, settings.noise
        self._networks: list[tuple[Network, tuple[str, ...]]] = []
        if plan.random:
            network = Network(randomised(classifier, settings.seed or 0), plan.random, 1, 1)
            self._networks.append((network, tuple(plan.random)))
        if plan.through and with_copies:
            self._networks.append((Network(classifier, plan.through, 1, 1), tuple(plan.through)))
        needs = plan.asking_needs | ({Need.PROBE} if "curves" in settings.measures else set())
        self._answers = Answers(classifier, needs, settings.asked or limit) if needs else None
        self.rows = self._answers.rows if self._answers else None
        self._black = classifier.input.rows(np.zeros((*classifier.input.shape[:2], 3), np.uint8))
        self._of_black: Array | None = None  # a pass of its own, for the first image
        self._probing = [key for key, formula in plan.asking.items() if Need.PROBE in formula.spec.needs]
        self.watch: Watch | None = None

    def _difference(self, work: Work, target: int) -> float:
        """The class's logit of the image less that of a black picture."""
        assert self._answers is not None and work.logits is not None
        if self._of_black is None:
            self._of_black = self._answers.logits(self._black[None])[0]
        return float(work.logits[target]) - float(self._of_black[target])

    def maps(self, work: Work, rank: int, target: int) -> dict[str, Array]:
        """The maps of one class of an image by key, (h, w) or (H, W)."""
        found: dict[str, Array] = {}
        zero = np.zeros(1, np.int32)
        for network, formulas in self._networks:
            if keys := self._plan.of_rank(formulas, rank):
                maps = network.explain(work.rows[:1], zero + target, zero, zero)
                found |= {key: maps[at_rank(key, 0)][0] for key in keys}
        return found | self._asked(work, rank, target)

    def probe(self, work: Work) -> Probe:
        """What the network says of changed copies of an image to its explained class, once its maps are composed."""
        assert self._answers is not None and work.plain is not None
        return self._answers.probe(work.plain, (work.targets[0],))

    def _asked(self, work: Work, rank: int, target: int) -> dict[str, Array]:
        """The maps of the methods that ask the network again."""
        keys = self._plan.of_rank(self._plan.asking, rank)
        if self._answers is None or not keys:
            return {}
        row = work.rows[0]
        arrays = {
            **work.arrays[rank],
            **self._answers.of(target),
            Need.ROW: row,
            Need.BLACK: self._black,
            Need.SEED: work.seed,
            Need.IMAGE: work.original.astype(np.float32) / np.float32(255),
        }
        if Need.DIFFERENCE in self._plan.asking_needs:
            arrays[Need.DIFFERENCE] = self._difference(work, target)
        if Need.NOISY_ROWS in self._plan.asking_needs:
            arrays[Need.NOISY_ROWS] = self._copies(work)
        shapes = (row.shape[:2], self._answers.map_size)
        found = {}
        for key in keys:
            formula = self._plan.asking[key]
            if Need.PROBE in formula.spec.needs:
                found[key] = self._of_all_classes(work, formula, arrays, shapes)[
                    list(work.targets).index(rank)
                ]
            else:
                found[key] = np.asarray(formula(arrays, *shapes), np.float32)
        return found

    def _of_all_classes(
        self, work: Work, formula: Formula, arrays: dict[Need, Any], shapes: Iterable[tuple[int, ...]]
    ) -> Array:
        """The maps of all classes of an image that are explained, (T, ...), computed for the first of them."""
        key, targets = formula.spec.key, tuple(work.targets.values())
        if key not in work.probed:
            assert self._answers is not None
            probe = self._answers.probe(work.rows[0], targets, partial(self._tell, work.sha256, key))
            given = arrays | {Need.PROBE: probe, Need.SUPERPIXELS: work.superpixels}
            made = formula(given, *((len(targets), *shape) for shape in shapes))
            # Where nothing that was hidden changed the picture, nothing was learnt: an empty map, which is marked.
            work.probed[key] = (
                np.asarray(made, np.float32) if probe.changed else np.zeros_like(made, np.float32)
            )
        return work.probed[key]

    def _tell(self, sha256: str, key: str, done: int, wanted: int) -> None:
        if self.watch is not None:
            place = self._probing.index(key) + 1
            self.watch(Asked(sha256, key, place, len(self._probing), done, wanted))

    def _copies(self, work: Work) -> Array:
        """The noisy copies of an image: those that went through the network, or the same drawn anew."""
        if len(work.rows) > 1:
            return work.rows[1:]
        copies = np.empty((self._samples, *work.rows.shape[1:]), np.float32)
        add_noise(copies, work.rows[0], self._noise, self._input.scale, work.seed)
        return copies
