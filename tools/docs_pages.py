"""A hook of mkdocs: brings README, CONTRIBUTING, CHANGELOG and results/ into the site, and turns links between files of
the repository into links between pages."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "CHANGELOG.md": "CHANGELOG.md"}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def page_of(path: str) -> str | None:
    """The site's file for a file of the repository; None where it has none, as for source code."""
    if path in PAGES:
        return PAGES[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return path if path.startswith("results/") and path.endswith((".md", ".png")) else None


def file_of(page: str) -> str:
    """The repository's file that a page of the site is made of."""
    return next((path for path, name in PAGES.items() if name == page), None) or (
        page if page.startswith("results/") else f"docs/{page}"
    )


def relinked(markdown: str, page: str) -> str:
    """``markdown`` of the site's file ``page``, its links as the site needs them; one to a file that the site has not
    becomes its text."""
    folder = PurePosixPath(file_of(page)).parent

    def relink(match: re.Match[str]) -> str:
        mark, text, target = match.groups()
        path, hash_, anchor = target.partition("#")
        if "://" in target or not path:
            return match[0]
        place = page_of(os.path.normpath(folder / path))
        if place is None:
            return text
        return f"{mark}[{text}]({os.path.relpath(place, PurePosixPath(page).parent)}{hash_}{anchor})"

    return _LINK.sub(relink, markdown)


def on_files(files: Any, config: Any, **_: Any) -> Any:
    """Adds the files that lie outside docs/."""
    from mkdocs.structure.files import File

    outside = [*PAGES, *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("results/**/*")))]
    for path in outside:
        page = page_of(path)
        if page is not None:
            files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turns the links of a page."""
    return relinked(markdown, page.file.src_uri)
