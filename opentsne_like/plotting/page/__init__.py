"""A map as one page for a browser: it stands alone, loads nothing, and answers to mouse, fingers and keys.

The page is written in plain HTML, CSS and JavaScript, which lie in `assets` as they are delivered.
"""

from .pages import Page, html

__all__ = ["Page", "html"]
