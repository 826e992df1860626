"""A generated audio-visual emotion set: real media files of a warped face and a made-up voice."""

from emorec.synthetic.frames import render_frames
from emorec.synthetic.plan import EMOTIONS, ClipPlan, plan_clips
from emorec.synthetic.voice import speak
from emorec.synthetic.write import write_clip

__all__ = ["EMOTIONS", "ClipPlan", "plan_clips", "render_frames", "speak", "write_clip"]
