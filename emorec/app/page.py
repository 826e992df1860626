"""The page: upload or record, player, timeline, and the limits of the model."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from emorec.app.analyse import Analyser, UploadError
from emorec.app.timeline import timeline_html
from emorec.errors import UserError

ABOUT = """# Expressed emotion, by {name}

Upload a clip (up to {longest:.0f} s and {megabytes} MB) or record one. Every {hop:g} s the model
predicts which of {count} classes ({classes}) people would likely assign to face and voice, together
and each alone. **It does not know what anybody feels.** Do not use it to decide about people, and
upload only clips of people who agreed. Uploads stay on this computer and are deleted after
{minutes} minutes at the latest.
"""
KEEP = 600  # seconds that uploads are kept at most
LOOK = 30  # seconds between deletions of old uploads


def build_page(
    analyser: Analyser, *, name: str, megabytes: int, examples: Sequence[Path] = ()
) -> Any:
    """Return the page as Gradio blocks.

    Args:
        analyser: Analyses uploads.
        name: Name of the model, for the title.
        megabytes: Size limit of an upload, in MB.
        examples: Clips to try.

    Raises:
        UserError: Gradio is not installed.
    """
    gradio = _gradio()

    def run(path: str | None, progress: Any = gradio.Progress()) -> tuple[Any, Any, str]:  # noqa: B008
        if not path:
            raise gradio.Error("upload or record a clip first", print_exception=False)

        def step(done: int, total: int) -> None:
            progress((done, total), desc="analysing", unit="windows")

        try:
            result = analyser(Path(path), step)
        except UploadError as error:
            raise gradio.Error(str(error), duration=None, print_exception=False) from error
        video = result.timeline.seen
        return (
            gradio.update(value=str(result.media) if video else None, visible=video),
            gradio.update(value=None if video else str(result.media), visible=not video),
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
                    # Mirroring or dropping the sound would need the system's ffmpeg.
                    webcam_options=gradio.WebcamOptions(mirror=False),
                    elem_id="emorec-webcam",
                )
                if examples:
                    gradio.Examples([[str(path)] for path in examples], [upload])
                    # Otherwise Gradio deletes its copies of them like uploads.
                    upload.keep_in_cache.update(*page.temp_file_sets)
            with gradio.Column(scale=2):
                player = gradio.Video(
                    label="what the model sees",
                    show_label=False,  # it would cover the bars
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
    """Start serving the page in threads and return its address.

    Args:
        page: What :func:`build_page` returned.
        host: ``127.0.0.1`` for this computer only; ``0.0.0.0`` for all that can reach it.
        port: The port; None: the first free one from 7860.
        megabytes: Size limit of an upload, in MB.
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
