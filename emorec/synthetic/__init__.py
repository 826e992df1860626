"""Generated audio-visual emotion sets: real media files of a warped face and a synthetic voice.

Clips show one acted emotion each; recordings show a course of arousal and valence.
"""

from emorec.synthetic.courses import Affect, affect, ceiling
from emorec.synthetic.frames import render_frames
from emorec.synthetic.plan import EMOTIONS, ClipPlan, plan_clips
from emorec.synthetic.recorded_face import render_recording
from emorec.synthetic.recorded_voice import speak_course
from emorec.synthetic.recording import RecordingPlan, plan_recordings
from emorec.synthetic.voice import speak
from emorec.synthetic.write import write_clip, write_recording, write_trace

__all__ = [
    "EMOTIONS",
    "Affect",
    "ClipPlan",
    "RecordingPlan",
    "affect",
    "ceiling",
    "plan_clips",
    "plan_recordings",
    "render_frames",
    "render_recording",
    "speak",
    "speak_course",
    "write_clip",
    "write_recording",
    "write_trace",
]
