"""Search that knows sizes: ``3 × 3``, ``3×3`` and ``3x3`` are one word, in the index and in what a reader types."""

import re

from sphinx.search.en import SearchEnglish

SIZE = re.compile(r"(\d+)\s*[×xX]\s*(?=\d)")


class Search(SearchEnglish):
    """English with sizes as words."""

    # Sphinx's own splitter, after the sizes are joined.
    js_splitter_code = r"""
var splitQuery = (query) =>
  query
    .replace(/(\d+)\s*[×xX]\s*(?=\d)/g, "$1x")
    .split(/[^\p{Letter}\p{Number}_\p{Emoji_Presentation}]+/gu)
    .filter((term) => term);
"""

    def split(self, input: str) -> list[str]:
        """Split a text into words."""
        return super().split(SIZE.sub(r"\1x", input))
