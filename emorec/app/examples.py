"""Example clips: generated, as the package ships no clip of a real person."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from emorec.synthetic import plan_clips, write_clip

SECONDS = 4.0


def generate_examples(folder: Path) -> list[Path]:
    """Write a clip whose face and voice agree and one whose voice stays neutral.

    Args:
        folder: An existing folder to write to.

    Returns:
        The files; none if scikit-image, which ships the face, is not installed.
    """
    if find_spec("skimage") is None:
        return []
    first, *_ = plan_clips(subjects=1, takes=1, seconds=(SECONDS, SECONDS), avi_share=0.0)
    both = replace(first, face_shows=True, voice_shows=True, container="mp4")
    files = []
    for name, plan in (
        ("face and voice show anger", replace(both, id="agree", emotion="anger")),
        (
            "face shows happiness, voice is neutral",
            replace(both, id="apart", emotion="happiness", voice_shows=False),
        ),
    ):
        path = folder / f"{name}.mp4"
        write_clip(plan, path)
        files.append(path)
    return files
