"""Icons of our own in place of the theme's icon font, which takes 800 KB of scripts and fonts for a dozen pictures."""

import re

from sphinx.util import logging

LOGGER = logging.getLogger(__name__)

# Each on a field of 24 × 24, as lines in the colour of the text. The names are those of the icons that they replace.
LINES = {
    "angle-left": "M15 5l-7 7 7 7",
    "angle-right": "M9 5l7 7-7 7",
    "arrow-up": "M12 20V5M5 12l7-7 7 7",
    "bars": "M4 6h16M4 12h16M4 18h16",
    "circle-half-stroke": "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM12 3v18M15 5v14M18 7v10",
    "code": "M9 6l-6 6 6 6M15 6l6 6-6 6",
    "download": "M12 3v12M6 10l6 6 6-6M4 21h16",
    "expand": "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
    "file": "M6 3h8l5 5v13H6zM14 3v5h5",
    "file-pdf": "M6 3h8l5 5v13H6zM14 3v5h5M9 13h7M9 17h7",
    "github": "M7 8a2 2 0 1 0 0-4a2 2 0 1 0 0 4zM7 20a2 2 0 1 0 0-4a2 2 0 1 0 0 4zM17 10a2 2 0 1 0 0-4a2 2 0 1 0 0 4z"
    "M7 8v8M17 10c0 4-10 2-10 6",
    "lightbulb": "M9 18h6M10 21h4M8 14a6 6 0 1 1 8 0c-1 1-1 2-1 4H9c0-2 0-3-1-4z",
    "list": "M9 6h11M9 12h11M9 18h11M4 6h1M4 12h1M4 18h1",
    "magnifying-glass": "M11 4a7 7 0 1 0 0 14a7 7 0 1 0 0-14zM16 16l5 5",
    "moon": "M20 14A8.5 8.5 0 1 1 10 4a7 7 0 0 0 10 10z",
    "pencil-alt": "M4 20l1-5L16 4l4 4L9 19zM14 6l4 4",
    "play": "M7 4l12 8-12 8z",
    "rocket": "M12 3c4 3 5 8 4 13H8C7 11 8 6 12 3zM8 12l-4 5 4-1M16 12l4 5-4-1M10 20h4M12 9h.1",
    "sun": "M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5L19 19M5 19l1.5-1.5"
    "M17.5 6.5L19 5",
}
PLACE = re.compile(r'<(i|span) class="([^"]*\bfa[bsr]?\b[^"]*)"([^>]*)></\1>')


def draw_icons(page: str) -> str:
    """Put a drawing in the place of each icon of the theme; the classes stay, as the theme's styles go by them."""

    def drawing(place: re.Match[str]) -> str:
        name = next((part[3:] for part in place[2].split() if part[:3] == "fa-" and part[3:] in LINES), None)
        if name is None:
            message = "no drawing for the icon %r: add its lines to booksite/icons.py"
            LOGGER.warning(message, place[2], type="booksite", subtype="icon")
            return ""
        return (
            f'<svg class="line-icon {place[2]}"{place[3]} viewBox="0 0 24 24" aria-hidden="true">'
            f'<path d="{LINES[name]}"/></svg>'
        )

    return PLACE.sub(drawing, page)
