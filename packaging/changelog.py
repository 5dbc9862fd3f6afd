#!/usr/bin/env python3
"""Writes Debian's changelog from the project's: `changelog.py CHANGELOG.md VERSION MAINTAINER`.

A release is a heading `## [VERSION] - YYYY-MM-DD` or `## [Unreleased]`; SOURCE_DATE_EPOCH dates a release without a date.
"""

import os
import re
import sys
import textwrap
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path

HEADING = re.compile(r"## +\[?v?(?P<version>\d[\w.+~]*|unreleased)\]?(?:.*?(?P<date>\d{4}-\d\d-\d\d))?", re.IGNORECASE)
ITEM = re.compile(r" {0,3}[-*] +")
RULE = re.compile(r"\|[-|: ]+$")


def plain(text: str) -> str:
    """Markdown as plain text: links by their names, no emphasis."""
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    return " ".join(re.sub(r"\*\*([^*]+)\*\*", r"\1", text).split())


def releases(text: str) -> list[tuple[str, str | None, list[str]]]:
    """Versions, dates, and paragraphs, of which a heading begins with `[ ` and a row of a table with `|`."""
    found: list[tuple[str, str | None, list[str]]] = []
    continues = False
    for line in text.splitlines():
        if heading := HEADING.match(line):
            found.append((heading["version"], heading["date"], []))
            continues = False
        elif not found or not line.strip():
            continues = False
        elif line.startswith("#"):
            found[-1][2].append(f"[ {plain(line.lstrip('#'))} ]")
            continues = False
        elif line.lstrip().startswith("|"):
            if not RULE.match(line.strip()):
                found[-1][2].append("|" + ": ".join(plain(cell) for cell in line.strip().strip("|").split(" | ")))
            continues = False
        elif continues and not ITEM.match(line):
            found[-1][2][-1] += " " + line.strip()
        else:
            found[-1][2].append(ITEM.sub("", line, count=1).strip())
            continues = True
    return found


def entry(version: str, date: datetime, paragraphs: list[str], maintainer: str) -> str:
    """One release in the form of deb-changelog(5)."""
    lines = [f"virt-metadata ({version}) unstable; urgency=medium", ""]
    for paragraph in paragraphs:
        if paragraph.startswith("[ "):
            lines += [*([""] if lines[-1] else []), f"  {paragraph}"]
        elif paragraph.startswith("|"):
            lines += textwrap.wrap(paragraph[1:], 78, initial_indent="      ", subsequent_indent="        ", break_on_hyphens=False)
        else:
            lines += textwrap.wrap(plain(paragraph), 78, initial_indent="  * ", subsequent_indent="    ", break_on_hyphens=False)
    return "\n".join([*lines, "", f" -- {maintainer}  {format_datetime(date)}", ""])


def main() -> None:
    """Prints the changelog; the newest entry is the package's own version."""
    file, version, maintainer = sys.argv[1:]
    built = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
    found = releases(Path(file).read_text(encoding="utf-8"))
    if not found:
        sys.exit(f"changelog.py: {file} has no release: expected a heading '## VERSION (YYYY-MM-DD)'")
    if found[0][0].lower() == "unreleased":
        found[0] = (version, found[0][1], found[0][2])
    elif found[0][0] != version:
        found.insert(0, (version, None, [f"Built from the sources of {found[0][0]}."]))
    print("\n".join(entry(name, datetime.fromisoformat(date + "T12:00:00+00:00") if date else built, paragraphs, maintainer)
                    for name, date, paragraphs in found), end="")


if __name__ == "__main__":
    main()
