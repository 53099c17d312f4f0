"""The ladder over the maps of a study: every map in its pool, every observer; and the search for hard pools.

Pictures are read through `Pictures`, so that nothing here knows where they are. Reading and seeing runs in a few threads:
OpenCV and the decoders let go of the interpreter.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from zlib import crc32

import numpy as np
import numpy.typing as npt

from saliency_worker.observer_kinds import TRAINED
from saliency_worker.observers import trained as matcher
from saliency_worker.observers.choices import ObserverChoice, choose, scores
from saliency_worker.observers.ladder import Palette, Views, of_map, of_photo
from saliency_worker.observers.swaps import BeatenBits
from saliency_worker.observers.views import Picture

THREADS = 2
CHUNK = 64  # maps at once in memory
Progress = Callable[[float], None]
One = TypeVar("One")
Other = TypeVar("Other")


class Pictures(Protocol):
    """The pictures as they are served. Each raises OSError or ValueError for one that cannot be read."""

    def map(self, pk: int) -> Picture: ...
    def photo(self, classifier: str, key: str) -> Picture: ...
    def other_cam(self, classifier: str, key: str) -> npt.NDArray[np.floating] | None: ...


@dataclass(frozen=True, slots=True)
class ShownMap:
    """A map as a participant may be shown it. key: of its source image."""

    pk: int
    key: str
    column: str
    classifier: str
    method: str = ""


@dataclass(frozen=True, slots=True)
class ObservedPool:
    """The candidates of a pool, and of each source that may be asked for the candidate that is right."""

    shown: tuple[str, ...]
    right: Mapping[str, str]


@dataclass(slots=True)
class Observed:
    """What was found. choices: by map and observer. unreadable: pictures left out; blind: arrays of
    other networks that cannot be read. alike: pools that show a picture twice. unlearnt: why the trained matcher is."""

    choices: dict[int, dict[str, ObserverChoice]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)
    alike: int = 0
    unlearnt: str = ""


@dataclass(frozen=True, slots=True)
class _Photo:
    views: Views
    channels: matcher.Channels | None
    digest: int


class Ladder:
    """The observers before the photos of a study; `trained`: with the matcher that learns, its folds dealt by `seed`."""

    def __init__(
        self, pictures: Pictures, palette: Palette, *, trained: bool = False, seed: str = ""
    ) -> None:
        self._pictures, self._palette, self._trained, self._seed = pictures, palette, trained, seed
        self._photos: dict[tuple[str, str], _Photo | str] = {}
        self._blind: list[str] = []

    def observe(
        self,
        maps: Sequence[ShownMap],
        pools: Sequence[ObservedPool],
        progress: Progress = lambda fraction: None,
    ) -> Observed:
        """Every observer's choice for each map whose source may be asked for. progress: 0..1."""
        place = {source: number for number, pool in enumerate(pools) for source in pool.right}
        asked = [one for one in maps if one.key in place]
        found = Observed()
        self._look({(one.classifier, key) for one in asked for key in pools[place[one.key]].shown}, progress)
        classifiers = {one.classifier for one in asked}
        found.blind = sorted(self._blind)
        found.alike = sum(any(self._holds_twins(pool, name) for name in classifiers) for pool in pools)
        examples: defaultdict[str, list[tuple[int, matcher.Example]]] = defaultdict(list)
        for done, (one, seen) in enumerate(_mapped(self._see, asked)):
            if done % CHUNK == 0:
                progress(0.2 + 0.8 * done / len(asked))
            pool = pools[place[one.key]]
            photos = [self._photos[one.classifier, key] for key in pool.shown]
            missing = [photo for photo in (seen, *photos) if isinstance(photo, str)]
            if missing or isinstance(seen, str):
                found.unreadable += [name for name in missing if name not in found.unreadable]
                continue
            ready = [photo for photo in photos if isinstance(photo, _Photo)]
            found.choices[one.pk] = _choices(seen.views, [photo.views for photo in ready])
            if seen.channels is not None:
                channels = [photo.channels for photo in ready if photo.channels is not None]
                right = pool.shown.index(pool.right[one.key])
                example = matcher.Example(matcher.features(seen.channels, channels), right, place[one.key])
                examples[one.column].append((one.pk, example))
        self._learn(examples, found)
        return found

    def beaten(
        self, maps: Sequence[ShownMap], keys: Sequence[str], progress: Progress = lambda fraction: None
    ) -> BeatenBits:
        """For a search: of every map, by every observer, which of these images score higher than the map's own."""
        bits = BeatenBits(len(keys))
        for *_, scored in self.matrices(maps, keys, progress):
            bits.add(scored)
        return bits

    def matrices(
        self, maps: Sequence[ShownMap], keys: Sequence[str], progress: Progress = lambda fraction: None
    ) -> Iterator[tuple[str, str, str, npt.NDArray[np.float32]]]:
        """Classifier, method, observer, and the scores (n, n) of that method's maps (rows, by image) with all photos."""
        order = {key: place for place, key in enumerate(keys)}
        groups: defaultdict[tuple[str, str], list[ShownMap]] = defaultdict(list)
        for one in maps:
            if one.key in order:
                groups[one.classifier, one.method].append(one)
        self._look({(classifier, key) for classifier, _ in groups for key in keys}, progress)
        for done, ((classifier, method), group) in enumerate(sorted(groups.items())):
            progress(0.2 + 0.8 * done / len(groups))
            photos = [self._photos[classifier, key] for key in keys]
            for observer, scored in _matrices(dict(_mapped(self._see, group)), order, photos):
                yield classifier, method, observer, scored

    def _look(self, wanted: Iterable[tuple[str, str]], progress: Progress) -> None:
        new = sorted(set(wanted) - set(self._photos))
        for done, (name, photo) in enumerate(_mapped(self._see_photo, new)):
            self._photos[name] = photo
            if done % CHUNK == 0:
                progress(0.2 * done / len(new))

    def _see_photo(self, name: tuple[str, str]) -> _Photo | str:
        classifier, key = name
        try:
            picture = self._pictures.photo(classifier, key)
        except (ValueError, OSError) as error:
            return f"{key}: {error}"
        try:
            cam = self._pictures.other_cam(classifier, key)
        except (ValueError, OSError) as error:
            cam = None
            self._blind.append(f"{key}: {error}")
        views = of_photo(picture, cam)
        channels = matcher.photo_channels(picture) if self._trained else None
        return _Photo(views, channels, hash(picture.tobytes()))

    def _see(self, one: ShownMap) -> _Photo | str:
        try:
            picture = self._pictures.map(one.pk)
        except (ValueError, OSError) as error:
            return f"{one.method or 'the map'} of {one.key}: {error}"
        channels = matcher.map_channels(picture) if self._trained else None
        return _Photo(of_map(picture, self._palette), channels, 0)

    def _holds_twins(self, pool: ObservedPool, classifier: str) -> bool:
        """Whether two candidates are the same picture, pixel for pixel."""
        photos = [self._photos.get((classifier, key)) for key in pool.shown]
        digests = [photo.digest for photo in photos if isinstance(photo, _Photo)]
        return len(set(digests)) < len(digests)

    def _learn(self, examples: Mapping[str, list[tuple[int, matcher.Example]]], found: Observed) -> None:
        for column, own in sorted(examples.items()):
            try:
                judged = matcher.cross_fitted(
                    [example for _, example in own], crc32(f"{self._seed} {column}".encode())
                )
            except ValueError as error:
                found.unlearnt = str(error)
                continue
            for (pk, _example), values in zip(own, judged, strict=True):
                found.choices[pk][TRAINED] = choose(values)


def _choices(seen: Views, photos: Sequence[Views]) -> dict[str, ObserverChoice]:
    """Of the observers that have a view of the map and of every candidate."""
    return {
        observer: choose(scores(view, np.stack([photo[observer] for photo in photos])))
        for observer, view in seen.items()
        if all(observer in photo for photo in photos)
    }


def _matrices(
    group: Mapping[ShownMap, _Photo | str], order: Mapping[str, int], photos: Sequence[_Photo | str]
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """By observer the scores of one method's maps (rows, by image) with all photos; what cannot be seen scores 0."""
    ready = {key: photo for key, photo in zip(order, photos, strict=True) if isinstance(photo, _Photo)}
    shown = {one.key: seen for one, seen in group.items() if isinstance(seen, _Photo)}
    counted = Counter(observer for photo in ready.values() for observer in photo.views)
    for observer in [name for name, number in counted.items() if number == len(ready)]:
        width = next(iter(ready.values())).views[observer].size
        mine, theirs = (np.zeros((len(order), width), np.float32) for _ in range(2))
        for key, place in order.items():
            if key in shown:
                mine[place] = shown[key].views[observer]
            if key in ready:
                theirs[place] = ready[key].views[observer]
        yield observer, mine @ theirs.T


def _mapped(see: Callable[[One], Other], items: Sequence[One]) -> Iterator[tuple[One, Other]]:
    """Each item with what is seen of it, in order; a few at once, so that memory is bounded."""
    with ThreadPoolExecutor(THREADS) as threads:
        for start in range(0, len(items), CHUNK):
            chunk = items[start : start + CHUNK]
            yield from zip(chunk, threads.map(see, chunk), strict=True)
