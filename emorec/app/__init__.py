"""A local web page: upload or record a clip and see its timeline under the player."""

from emorec.app.page import build_page, serve

__all__ = ["build_page", "serve"]
