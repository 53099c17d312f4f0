"""From images to maps: one pass through the network for the maps, one for the metrics, in fixed-size batches."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from saliency_worker.catalog import METHODS, explains_class
from saliency_worker.needs import Need
from saliency_worker.saliency import classifiers, provenance
from saliency_worker.saliency.activations import Network, at_rank, exported
from saliency_worker.saliency.alone import Alone
from saliency_worker.saliency.batches import RowStream, Segment, batch_size, overlap, padded, read_ahead
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.compose import Composer
from saliency_worker.saliency.edges import EdgeDetector, edge_detector
from saliency_worker.saliency.errors import SaliencyError, SettingsError
from saliency_worker.saliency.formulas import plan
from saliency_worker.saliency.frozen import prepare_device, rows_per_batch
from saliency_worker.saliency.further import mask, measure_alone, remove_and_insert
from saliency_worker.saliency.map_measures import hit
from saliency_worker.saliency.metrics import predict
from saliency_worker.saliency.noise import add_noise, derive_seed
from saliency_worker.saliency.preprocessing_check import doubt
from saliency_worker.saliency.results import Explanation as Explanation
from saliency_worker.saliency.results import MapResult as MapResult
from saliency_worker.saliency.sanity import Sanity
from saliency_worker.saliency.self_check import rows_of
from saliency_worker.saliency.settings import Settings as Settings
from saliency_worker.saliency.watching import Watch
from saliency_worker.saliency.work import Image, Work, explanation

Array = npt.NDArray[np.float32]
_AHEAD = 2  # images prepared, composed or encoded while the device computes: this bounds the memory


class Explainer:
    """A classifier, its frozen graphs and the settings; explains any number of images in bounded memory."""

    def __init__(
        self,
        classifier: Classifier,
        settings: Settings,
        detector: EdgeDetector | None = None,
        *,
        edge_weights: Path | None = None,
    ) -> None:
        """detector: instead of the one of the settings. edge_weights: as of edges.edge_detector."""
        self.settings = settings
        self.spec = classifier.spec
        self._plan = plan(settings)
        device, (limit, several) = prepare_device(), rows_per_batch()
        self._detector: EdgeDetector | None = None
        if self._plan.edges:
            self._detector = detector or edge_detector(settings.edges, edge_weights)
        if settings.batch is not None:
            limit, several = settings.batch, True
        self._copies = settings.samples if self._plan.noisy else 0
        self._rows = batch_size(1 + self._copies, limit, several)
        self._masks = batch_size(len(settings.methods), limit, several)
        images_per_batch = -(-self._rows // (1 + self._copies))
        self._passes = self._plan.passes | ({} if self._copies else self._plan.through)
        exports = self._plan.asking_needs & {Need.ACTIVATIONS, Need.GRADIENTS}
        self._network = Network(
            classifier,
            self._passes,
            self._rows,
            self._masks,
            images_per_batch,
            self._plan.on_copies,
            settings.ranks,
            exports,
        )
        self._check_target(settings.target_class)
        self._alone = Alone(classifier, self._plan, settings, limit, with_copies=bool(self._copies))
        bare = replace(settings, metrics=False, measures=(), raw=False, ranks=(0,))
        again = partial(Explainer, settings=bare, detector=self._detector)
        self._sanity = Sanity(classifier, again, settings) if "sanity" in settings.measures else None
        self._signs = {key: settings.sign_rule(METHODS[key]) for key in self._plan.asked}
        # Rows of images that are done: fresh memory of that size costs the system more time than the noise in it.
        self._spare: deque[Array] = deque()
        self.class_names = classifier.class_names  # not the classifier: its weights would stay in memory
        if self.class_names:
            classifiers.check_names(self.class_names, self.classes)
        self.notices = classifier.notices
        self._input = classifier.input
        self._black = self._input.rows(np.zeros(3, np.uint8))
        self.run = provenance.Run(
            classifier.spec,
            classifier.weights_sha256,
            self._detector.weights_sha256 if self._detector else "",
            settings,
            self._rows,
            self._masks,
            device,
            classifier.facts(),
            self._alone.rows,
        )

    @classmethod
    def load(
        cls,
        classifier: str,
        settings: Settings,
        *,
        weights: Path | None = None,
        weights_dir: Path | None = None,
        edge_weights: Path | None = None,
        class_names: Sequence[str] | None = None,
    ) -> "Explainer":
        """The engine for a classifier of the catalogue or a saved model. Errors as of classifiers.load.

        class_names: instead of those that come with the classifier, one for each class.
        """
        loaded = classifiers.load(classifier, weights, weights_dir)
        if class_names is not None:
            loaded = replace(loaded, class_names=tuple(class_names))
        return cls(loaded, settings, edge_weights=edge_weights)

    def doubt(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> str:
        """Why the preprocessing may not be the network's own, by its answers to some pictures; "" for no reason."""

        def classify(rows: Array) -> Array:
            return rows_of(rows, self._masks, lambda batch: {"": self._network.classify(batch)})[""]

        return doubt(classify, self._input, pictures, self._network.rule)

    def points(self, scalar: Array, region: npt.NDArray[np.bool_]) -> float | None:
        """The pointing game of a map that is there (H, W): of a region in its picture's own pixels, as of explain."""
        return hit(scalar, self._input.region(region, (region.shape[0], region.shape[1])))

    @property
    def classes(self) -> int:
        """How many classes the network tells apart."""
        return self._network.classes

    def explain(self, images: Iterable[Image], watch: Watch | None = None) -> Iterator[Explanation]:
        """Explanations in the order of the images, lazily; ``images`` is read in another thread.

        images: SHA-256 of the stored bytes and uint8 RGB of any size, EXIF orientation applied; of some perhaps the
        index of the class to explain, which goes before that of the settings, and bool (H, W) of the image's own size, where
        what it shows is, for the pointing game. watch: is told, batch by batch, how far methods that ask the network about
        changed copies of an image are.
        Raises ImageError for an array that is no image, SaliencyError where the network's output is not finite.
        """
        with ThreadPoolExecutor(2, "compose") as pool, ThreadPoolExecutor(1, "read") as reader:
            self._alone.watch = watch
            try:
                composed = overlap(pool, self._compose, self._through_network(reader, images), _AHEAD)
                done = overlap(pool, self._finish, self._through_metrics(composed), _AHEAD)
                yield from self._sanity.checked(done) if self._sanity else done
            finally:
                self._alone.watch = None
                pool.shutdown(wait=False, cancel_futures=True)
                reader.shutdown(wait=False, cancel_futures=True)

    def _through_network(self, reader: ThreadPoolExecutor, images: Iterable[Image]) -> Iterator[Work]:
        stream: RowStream[Work] = RowStream(self._rows, self._run_rows)
        for work in read_ahead(reader, self._prepare, images, _AHEAD):
            yield from map(self._collect, stream.push(work, 1 + self._copies))
        yield from map(self._collect, stream.flush())

    def _through_metrics(self, composed: Iterable[Work]) -> Iterator[Work]:
        if not self.settings.metrics:
            yield from composed
            return
        stream: RowStream[Work] = RowStream(self._masks, self._run_masks)
        for work in composed:
            if "curves" in self.settings.measures:
                remove_and_insert(work, self._alone.probe(work), self.settings.steps)
            yield from stream.push(work, len(self.settings.methods))
        yield from stream.flush()

    def _prepare(self, image: Image) -> Work:
        sha256, rgb, *rest = image
        original = self._input.picture(rgb)
        plain = self._input.rows(original)
        seed = derive_seed(sha256, self.settings.seed)
        try:
            rows = self._spare.pop()
        except IndexError:
            rows = np.empty((1 + self._copies, *self._input.shape), np.float32)
        rows[0] = plain
        if self._copies:
            add_noise(rows[1:], plain, self.settings.noise, self._input.scale, seed)
        edges = np.zeros(original.shape[:2], np.float32)
        if self._detector is not None:
            edges = self._detector(original[None])[0]
        target, region = (*rest, None, None)[:2]
        given = self.settings.target_class if target is None else target
        self._check_target(given)
        known = None if region is None else self._input.region(region, rgb.shape[:2])
        return Work(sha256, original, seed, edges, rows, {} if given is None else {0: given}, region=known)

    def _check_target(self, index: int | None) -> None:
        if index is not None and not 0 <= index < self.classes:
            raise SettingsError(f"Class {index} does not exist: {self.spec.name} has {self.classes}.")

    def _run_rows(self, segments: list[Segment[Work]]) -> None:
        given = np.full((len(self.settings.ranks), self._rows), -1, np.int32)
        owner = np.arange(self._rows, dtype=np.int32)
        images = []
        at = 0
        for segment in segments:
            rows = slice(at, at + segment.stop - segment.start)
            for each, rank in zip(given, self.settings.ranks, strict=True):
                each[rows] = segment.item.targets.get(rank, -1)
            if segment.start == 0:
                owner[rows] = at
                images.append(at)
            at = rows.stop
        batch = padded([segment.item.rows[segment.start : segment.stop] for segment in segments], self._rows)
        maps = self._network.explain(batch, given, owner, np.array(images, np.int32))
        self._hand_out(segments, maps)

    def _hand_out(self, segments: list[Segment[Work]], maps: dict[str, Array]) -> None:
        at = image = 0
        for segment in segments:
            work, rows = segment.item, slice(at, at + segment.stop - segment.start)
            if segment.start == 0:
                self._take_image(work, maps, row=at, image=image)
                image += 1
            for name in (at_rank(key, rank) for key in self._plan.on_copies for rank in self.settings.ranks):
                if name in maps:
                    work.noisy.setdefault(name, []).append(maps[name][rows])
            at = rows.stop

    def _take_image(self, work: Work, maps: dict[str, Array], row: int, image: int) -> None:
        logits = maps["logits"][row]
        if not np.isfinite(logits).all():
            raise SaliencyError(
                f"{self.spec.name} gives scores that are not finite: check its weights and preprocessing."
            )
        choices = np.argsort(-logits, kind="stable")
        work.targets = {rank: int(choices[rank]) for rank in self.settings.ranks} | work.targets
        work.prediction = predict(logits, work.targets[0], self._network.rule)
        work.logits = logits
        work.features = maps["features"][image]
        for rank in work.targets:
            place = {
                key: row if key in self._plan.on_copies else image for key in self._asked(self._passes, rank)
            }
            work.raw[rank] = {key: maps[at_rank(key, rank)][at] for key, at in place.items()}
            work.arrays[rank] = {
                need: maps[exported(need, rank)][image] for need in Need if exported(need, rank) in maps
            }

    def _asked(self, formulas: Iterable[str], rank: int) -> list[str]:
        """The methods of these that the run asks for, at this rank."""
        return self._plan.of_rank(formulas, rank)

    def _collect(self, work: Work) -> Work:
        """What needs all rows of the image, maps of its noisy copies, and what is computed for it alone."""
        for rank, target in work.targets.items():
            for key in self._asked(self._plan.noisy, rank):
                formula = self._plan.noisy[key]
                copies = np.concatenate(work.noisy[at_rank(formula.spec.of, rank)])[1:]
                work.raw[rank][key] = np.asarray(
                    formula({Need.NOISY_MAPS: copies}, copies.shape[1:]), np.float32
                )
            work.raw[rank] |= self._alone.maps(work, rank, target)
        self._spare.append(work.rows)
        work.noisy, work.arrays, work.rows = {}, {}, work.rows[:1].copy()
        return work

    def _compose(self, work: Work) -> Work:
        settings = self.settings
        for rank, raw in work.raw.items():
            composer = Composer(
                work.original,
                work.edges,
                raw,
                self._plan.pictures,
                settings.k,
                settings.colour_map,
                self._signs,
            )
            keys = [key for key in settings.methods if not rank or explains_class(key)]
            work.composed[rank] = {key: composer.compose(key) for key in keys}
        if settings.metrics:
            measure_alone(work)
            mask(work, settings, self._black)
        return work

    def _run_masks(self, segments: list[Segment[Work]]) -> None:
        batch = padded([segment.item.rows[segment.start : segment.stop] for segment in segments], self._masks)
        logits = self._network.classify(batch)
        at = 0
        for segment in segments:
            count = segment.stop - segment.start
            segment.item.masked_logits.append(logits[at : at + count])
            at += count

    def _finish(self, work: Work) -> Explanation:
        return explanation(work, self.run, self.class_names)
