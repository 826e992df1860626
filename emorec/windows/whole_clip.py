"""One window that is the whole clip, for features of utterances."""

from emorec.types import Window
from emorec.windows.base import Windows


class WholeClip(Windows):
    """One window from 0 to the clip's end, in seconds: an utterance is one segment.

    Windows of different clips then have different lengths, so extractors are needed whose arrays
    do not grow with them: statistics (:class:`~emorec.extractors.Functionals`,
    :class:`~emorec.extractors.OpenSmile`), a fixed number of frames
    (:class:`~emorec.extractors.FaceSequence`), or what was computed elsewhere
    (:class:`~emorec.extractors.StoredFeatures`). A Waveform has one length and refuses others.
    """

    def __call__(self, clip_id: str, duration: float) -> list[Window]:
        """Return the one window; see the base class."""
        return [Window(0.0, duration)]
