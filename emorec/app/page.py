"""The page: upload or record, player, timeline, and what it cannot know."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from emorec.app.analyse import Analyser, UploadError
from emorec.app.timeline import timeline_html
from emorec.errors import UserError

ABOUT = """# Expressed emotion, by {name}

Bring a clip (up to {longest:.0f} s and {megabytes} MB) or record one: the model says every
{hop:g} s which of {count} classes ({classes}) people would likely give to face and voice, together
and each alone. **It does not know what anybody feels.** Do not decide about people by it, and bring
clips of people who agreed. Uploads stay on this computer and are deleted, {minutes} minutes later
at the latest.
"""
KEEP = 600  # seconds that uploads are kept at most
LOOK = 30  # seconds between looking for old ones


def build_page(
    analyser: Analyser, *, name: str, megabytes: int, examples: Sequence[Path] = ()
) -> Any:
    """Return the page as Gradio blocks.

    Args:
        analyser: Analyses uploads.
        name: Of the model, for the title.
        megabytes: Largest upload.
        examples: Clips to try.

    Raises:
        UserError: Gradio is not installed.
    """
    gradio = _gradio()

    def run(path: str | None, progress: Any = gradio.Progress()) -> tuple[Any, Any, str]:  # noqa: B008
        if not path:
            raise gradio.Error("bring a clip first", print_exception=False)

        def step(done: int, total: int) -> None:
            progress((done, total), desc="looking and listening", unit="windows")

        try:
            result = analyser(Path(path), step)
        except UploadError as error:
            raise gradio.Error(str(error), duration=None, print_exception=False) from error
        seen = result.timeline.seen
        return (
            gradio.update(value=str(result.media) if seen else None, visible=seen),
            gradio.update(value=None if seen else str(result.media), visible=not seen),
            timeline_html(result.timeline),
        )

    classes = analyser.predictor.need_classes("emorec app").names
    with gradio.Blocks(
        title="emorec", analytics_enabled=False, delete_cache=(LOOK, KEEP), fill_width=False
    ) as page:
        gradio.Markdown(
            ABOUT.format(
                name=name,
                longest=analyser.longest,
                megabytes=megabytes,
                count=len(classes),
                classes=", ".join(classes),
                minutes=KEEP // 60,
                hop=analyser.hop,
            )
        )
        with gradio.Row():
            with gradio.Column(scale=1):
                upload = gradio.File(
                    label="video or sound file", type="filepath", elem_id="emorec-upload"
                )
                webcam = gradio.Video(
                    label="or record",
                    sources=["webcam"],
                    include_audio=True,
                    # Gradio would mirror, or leave out the sound, by an ffmpeg of the system.
                    webcam_options=gradio.WebcamOptions(mirror=False),
                    elem_id="emorec-webcam",
                )
                if examples:
                    gradio.Examples([[str(path)] for path in examples], [upload])
                    # Gradio would delete its copies of them as it deletes uploads.
                    upload.keep_in_cache.update(*page.temp_file_sets)
            with gradio.Column(scale=2):
                player = gradio.Video(
                    label="what the model sees",
                    show_label=False,  # it would lie over the bars
                    interactive=False,
                    elem_id="emorec-player",
                )
                sound = gradio.Audio(
                    label="what the model hears",
                    interactive=False,
                    visible=False,
                    elem_id="emorec-sound",
                )
        timeline = gradio.HTML(elem_id="emorec-timeline")
        outputs = [player, sound, timeline]
        for source in (upload, webcam):
            source.change(run, [source], outputs, show_progress_on=[timeline], api_name=False)
    return page


def serve(page: Any, *, host: str, port: int | None, megabytes: int) -> str:
    """Start to serve the page in threads and return its address.

    Args:
        page: What :func:`build_page` returned.
        host: ``127.0.0.1`` for this computer alone; ``0.0.0.0`` for all that can reach it.
        port: None: a free one from 7860 on.
        megabytes: Largest upload.
    """
    files = resources.files("emorec.app")
    script = files.joinpath("player.js").read_text("utf-8")
    page.queue(default_concurrency_limit=2, max_size=20)
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        share=False,
        prevent_thread_lock=True,
        max_file_size=f"{megabytes}mb",
        head=f"<script>{script}</script>",
        css=files.joinpath("style.css").read_text("utf-8"),
        footer_links=[],
        quiet=True,
        ssr_mode=False,
    )
    return str(address)


def _gradio() -> Any:
    try:
        import gradio
    except ImportError as error:
        raise UserError('the page needs Gradio: pip install "emorec[app]"') from error
    return gradio
