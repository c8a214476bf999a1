"""The pages of our own in NNI's portal: which there are, and the process that answers for them.

A page is made as `execution.pages` says; here stands the list, with the data that rooms apart from each other give.
"""

from __future__ import annotations

import sys

from execution.pages.contract import Page

PAGES = [
    Page("front", "Front"),
]


def main() -> None:
    """The process: ``python -m portal_pages RUN SOCKET``."""
    from execution.pages.process import serve

    serve(PAGES, *sys.argv[1:3])


if __name__ == "__main__":
    main()
