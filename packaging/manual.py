#!/usr/bin/env python3
"""Writes the man pages from what the program itself says of its commands and settings: `manual.py PROGRAM DIRECTORY`."""

import json
import subprocess
import sys
from pathlib import Path

def escaped(text: str) -> str:
    """Text as man(7) takes it."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").split("\n")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in lines)


def option(argument: dict) -> str:
    """An option or argument, and what it is for."""
    value = argument.get("valueName") or ""
    if argument["kind"] == "positional":
        name = f"\\fI{escaped(value)}\\fR"
    else:
        names = [("\\-\\-" if one["kind"] == "long" else "\\-") + escaped(one["name"]) for one in argument.get("names", [])]
        name = ", ".join(f"\\fB{one}\\fR" for one in names) + (f" \\fI{escaped(value)}\\fR" if argument["kind"] == "option" else "")
    return f".TP\n{name}\n{escaped(argument.get('abstract', ''))}\n"


def paragraphs(text: str) -> str:
    """A discussion: indented lines are examples and stay as they are."""
    page = []
    for block in text.strip().split("\n\n"):
        head, *rest = block.split("\n")
        if head == "EXAMPLES" or block.startswith(" "):
            page.append(".PP\n.nf\n" + escaped(block) + "\n.fi\n")
        else:
            page.append(".PP\n" + escaped(block) + "\n")
    return "".join(page)


def command(described: dict, path: list[str], settings: set[str]) -> str:
    """A command and those below it."""
    name = " ".join([*path, described["commandName"]])
    page = ""
    below = [one for one in described.get("subcommands", []) if one["commandName"] != "help"]
    if not below:
        page = f".SS {escaped(name)}\n{escaped(described.get('abstract', ''))}\n"
        own = [one for one in described.get("arguments", [])
               if one.get("shouldDisplay", True) and not {n["name"] for n in one.get("names", [])} & (settings | {"help", "h", "version"})]
        page += "".join(option(one) for one in own)
        page += paragraphs(described.get("discussion", ""))
    return page + "".join(command(one, [*path, described["commandName"]], settings) for one in below)


def main() -> None:
    """Writes virt-metadata.1 and virt-metadata.yaml.5."""
    program, directory = sys.argv[1], Path(sys.argv[2])
    dump = json.loads(subprocess.run([program, "--experimental-dump-help"], capture_output=True, check=True, text=True).stdout)
    version = subprocess.run([program, "--version"], capture_output=True, check=True, text=True).stdout.strip()
    root = dump["command"]
    serve = next(one for one in root["subcommands"] if one["commandName"] == "serve")
    table = [one for one in serve["arguments"] if one["kind"] != "positional" and one.get("names")
             and one["names"][0]["name"] not in ("help", "h", "version")]
    settings = {n["name"] for one in table for n in one["names"]}
    title = f'"" "virt\\-metadata {escaped(version)}" ""'
    (directory / "virt-metadata.1").write_text(
        f'.TH VIRT\\-METADATA 1 {title}\n.SH NAME\nvirt\\-metadata \\- {escaped(root["abstract"].rstrip("."))}\n'
        ".SH SYNOPSIS\n.B virt\\-metadata\n.I command\n.RI [ options ]\n.SH DESCRIPTION\n" + paragraphs(root.get("discussion", ""))
        + ".PP\nEvery command that reads settings takes those of\n.BR virt\\-metadata.yaml (5)\nas options.\n.SH COMMANDS\n"
        + command(root, [], settings)
        + ".SH FILES\n.TP\n/etc/virt\\-metadata/config.yaml\nthe configuration\n.TP\n/var/lib/virt\\-metadata\n"
        "the keys that the server makes at its first start\n.TP\n/run/virt\\-metadata\nthe admin socket, and what the server put into the kernel\n"
        ".SH SEE ALSO\n.BR virt\\-metadata.yaml (5),\n.BR virsh (1),\n.BR cloud\\-init (1)\n")
    (directory / "virt-metadata.yaml.5").write_text(
        f'.TH VIRT\\-METADATA.YAML 5 {title}\n.SH NAME\nvirt\\-metadata.yaml \\- the configuration of virt\\-metadata\n'
        ".SH DESCRIPTION\n.I /etc/virt\\-metadata/config.yaml\nis a YAML mapping of settings to values; a list may be one text with commas. "
        "Each is an option of\n.BR virt\\-metadata (1)\ntoo, and an environment variable:\n.B VIRT_METADATA_LOG_LEVEL\nfor\n.BR log\\-level .\n"
        "Options win over variables, and these over the file.\n.SH SETTINGS\n"
        + "".join(option(one).replace("\\-\\-", "", 1) for one in table
                  if one["names"][0]["name"] != "config" and not one["names"][0]["name"].startswith("no-"))
        + ".TP\n.B defaults\nWhat instances say whose operators have left it out: words of the operator's vocabulary as a mapping, with "
        "\\fBdomain\\fR for host names, and \\fBnetworks\\fR for those plugged into one.\n.SH SEE ALSO\n.BR virt\\-metadata (1)\n")


if __name__ == "__main__":
    main()
