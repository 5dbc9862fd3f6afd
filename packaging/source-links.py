#!/usr/bin/env python3
"""Replaces links to what a package does not have: `source-links.py FOLDER`.

The pages of a package link to each other. What developers need stays with the sources, and a link to it would lead nowhere: its text stays, with the
file's path in the sources.
"""

import pathlib
import re
import sys

LINK = re.compile(r"\[([^\]]*)\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def settle(page: pathlib.Path, folder: pathlib.Path) -> None:
    """Rewrites one page, where it has such links."""

    def settled(link: re.Match[str]) -> str:
        text, path = link.groups()
        target = (page.parent / path).resolve()
        if target.exists():
            return link.group()
        return f"{text} ({target.relative_to(folder)} of the sources)"

    old = page.read_text(encoding="utf-8")
    new = LINK.sub(settled, old)
    if new != old:
        page.write_text(new, encoding="utf-8")


def main() -> None:
    """Rewrites all pages below a folder."""
    folder = pathlib.Path(sys.argv[1]).resolve()
    for page in sorted(folder.rglob("*.md")):
        settle(page, folder)


if __name__ == "__main__":
    main()
