"""Face detection for several clips at once: their frames share batches of the network."""

import queue
import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future

from typing_extensions import override

from emorec.media.faces import Face, FaceDetector, Image

WAIT = 0.02  # seconds that a batch waits for frames of other clips
FRAMES = 64  # per batch

Request = tuple[list[Image], "Future[list[list[Face]]]"]


class BatchedDetector(FaceDetector):
    """Collects the requests of several threads, one clip each, and detects in one batch.

    The one to thirty frames of a clip hardly occupy a GPU; those of eight clips do. Frames of
    different sizes go in separate batches.

    Args:
        detector: Detects; it is used by one thread at a time.
    """

    def __init__(self, detector: FaceDetector) -> None:
        self.detector = detector
        self._lock = threading.Lock()
        self._asked: queue.SimpleQueue[Request] = queue.SimpleQueue()
        threading.Thread(target=self._serve, daemon=True).start()

    @override
    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        """Return the faces of each image; waits for the batch."""
        answer: Future[list[list[Face]]] = Future()
        self._asked.put((list(images), answer))
        return answer.result()

    @override
    def refine(self, image: Image, face: Face) -> Face | None:
        with self._lock:
            return self.detector.refine(image, face)

    def _serve(self) -> None:
        while True:
            requests = [self._asked.get()]
            while sum(len(images) for images, _ in requests) < FRAMES:
                try:
                    requests.append(self._asked.get(timeout=WAIT))
                except queue.Empty:
                    break
            of_size: dict[tuple[int, ...], list[Request]] = defaultdict(list)
            for request in requests:
                of_size[request[0][0].shape if request[0] else ()].append(request)
            for same_size in of_size.values():
                self._answer(same_size)

    def _answer(self, requests: Sequence[Request]) -> None:
        """Detect faces in frames of one size and give each request its part."""
        try:
            with self._lock:
                found = self.detector.detect([i for images, _ in requests for i in images])
        except BaseException as error:  # a waiting thread must not wait forever
            for _, answer in requests:
                answer.set_exception(error)
            return
        for images, answer in requests:
            answer.set_result(found[: len(images)])
            found = found[len(images) :]
