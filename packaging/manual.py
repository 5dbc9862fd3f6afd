#!/usr/bin/env python3
"""Writes the man pages from the program's own help texts: `manual.py PROGRAM DIRECTORY`."""

import json
import re
import subprocess
import sys
from pathlib import Path

# Options of every command, which have a section of their own.
COMMON = {"help", "h", "version", "connect", "config-file"}

DESCRIPTION = r""".PP
.B virt\-metadata serve
runs the server, usually as the service
.IR virt\-metadata .
The other commands edit and inspect domains through libvirt, query the running server, or test metadata servers and agents. A command that
reads the configuration accepts all settings of
.BR virt\-metadata.yaml (5)
as options; this page lists those that matter to the command.
"""

EXIT_STATUS = r""".SH EXIT STATUS
.TP
.B 0
Success, or nothing to do.
.TP
.B 1
Failure.
.TP
.B 2
Usage error or invalid configuration. Also: a second server on the same host; for
.BR get " and " requests ,
no running server can be reached.
.PP
.B virt\-metadata doctor
exits with 0 if there is no problem, 1 if there are warnings, and 3 if there are errors; with
.B \-\-nagios
with 0 (OK), 1 (WARNING), 2 (CRITICAL) or 3 (UNKNOWN).
"""

ENVIRONMENT = r""".SH ENVIRONMENT
.TP
.BI VIRT_METADATA_ SETTING
A setting of
.BR virt\-metadata.yaml (5),
such as
.B VIRT_METADATA_LOG_LEVEL
for
.BR log\-level .
Lists are separated by commas.
.TP
.B VIRT_METADATA_CONFIG_FILE
Configuration file, unless
.B \-\-config\-file
names one.
.TP
.BR VIRSH_DEFAULT_CONNECT_URI ", " LIBVIRT_DEFAULT_URI
libvirt URI, if
.B connect
is not set. All commands but
.B serve
and
.B config
honour them.
.TP
.BR VISUAL ", " EDITOR
Editor of
.BR "virt\-metadata edit" .
Default: vi.
.TP
.B NO_COLOR
If set, no colours.
"""

FILES = r""".SH FILES
.TP
.I /etc/virt\-metadata/config.yaml
Configuration, see
.BR virt\-metadata.yaml (5).
.TP
.I /var/lib/virt\-metadata/token.key
Key of session tokens, created by the server.
.TP
.I /var/lib/virt\-metadata/identity.pem
Key and certificate that sign identity documents, created by the server.
.TP
.I /run/virt\-metadata/admin.sock
Admin socket of the running server.
.TP
.I /run/virt\-metadata/owned.json
Record of the addresses and rules that the server installed.
.TP
.I /usr/share/doc/virt\-metadata
Documentation and examples.
"""


def escaped(text: str) -> str:
    """Text as man(7) takes it."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").split("\n")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in lines)


def names(argument: dict) -> list[str]:
    """The names of an option, without dashes."""
    return [one["name"] for one in argument.get("names", [])]


def option(argument: dict, switches: set[str] = frozenset(), is_key: bool = False) -> str:
    """An option or argument, and its help; as a key of the configuration file it has no dashes."""
    value = argument.get("valueName") or ""
    shown = f" \\fI{escaped(value)}\\fR" if argument["kind"] == "option" else ""
    if argument["kind"] == "positional":
        head = f"\\fI{escaped(value)}\\fR"
    elif is_key:
        head = f"\\fB{escaped(names(argument)[-1])}\\fR: \\fI{escaped(value if argument['kind'] == 'option' else 'true|false')}\\fR"
    else:
        no = "[no\\-]" if f"no-{names(argument)[-1]}" in switches else ""
        spelled = ["\\-\\-" + no + escaped(one["name"]) if one["kind"] == "long" else "\\-" + one["name"] for one in argument["names"]]
        head = ", ".join(f"\\fB{one}\\fR" for one in spelled) + shown
    text = argument.get("abstract", "")
    return f".TP\n{head}\n{escaped(re.sub('--(?=[a-z])', '', text) if is_key else text)}\n"


def options(arguments: list[dict], is_key: bool = False) -> str:
    """Options in the order of the help; a switch and its opposite are one."""
    every = {name for one in arguments for name in names(one)}
    opposites = {name for name in every if name.startswith("no-") and name[3:] in every}
    return "".join(option(one, opposites, is_key) for one in arguments if not set(names(one)) & opposites)


def add_sections(program: str, root: dict) -> None:
    """Gives the options of commands that show all settings the titles of the sections in which their help shows them."""
    for path in (["serve"], ["config", "check"], ["config", "show"]):
        text = subprocess.run([program, *path, "--help"], capture_output=True, check=True, text=True).stdout
        titles, title = {}, None
        for line in text.split("\n"):
            if re.fullmatch(r"[A-Z ]+:", line):
                title = line[:-1].capitalize()
            elif line.startswith("  -") and title != "Options":
                titles[re.search(r"--([a-z-]+)", line)[1]] = title
        described = root
        for word in path:
            described = next(one for one in described["subcommands"] if one["commandName"] == word)
        for one in described["arguments"]:
            one["sectionTitle"] = next((titles[name.removeprefix("no-")] for name in names(one) if name.removeprefix("no-") in titles), None)


def grouped(arguments: list[dict], heading: str, is_key: bool = False) -> str:
    """Options below the titles of their groups."""
    titles = list(dict.fromkeys(one["sectionTitle"] for one in arguments if one.get("sectionTitle")))
    return "".join(f"{heading} {escaped(title)}\n" + options([one for one in arguments if one.get("sectionTitle") == title], is_key)
                   for title in titles)


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


def command(described: dict, path: list[str]) -> str:
    """A command and those below it."""
    name = " ".join([*path, described["commandName"]])
    page = ""
    below = [one for one in described.get("subcommands", []) if one["commandName"] != "help"]
    if not below:
        page = f".SS {escaped(name)}\n{escaped(described.get('abstract', ''))}\n" + paragraphs(described.get("discussion", ""))
        own = [one for one in described.get("arguments", [])
               if one.get("shouldDisplay", True) and not set(names(one)) & COMMON and not one.get("sectionTitle")]
        page += options([one for one in own if one["kind"] == "positional"])
        page += options([one for one in own if one["kind"] != "positional"])
        if described["commandName"] != "serve" and any(one.get("sectionTitle") for one in described.get("arguments", [])):
            page += ".PP\nThe options of\n.B serve\nare accepted as well.\n"
    return page + "".join(command(one, [*path, described["commandName"]]) for one in below)


def main() -> None:
    """Writes virt-metadata.8 and virt-metadata.yaml.5."""
    program, directory = sys.argv[1], Path(sys.argv[2])
    dump = json.loads(subprocess.run([program, "--experimental-dump-help"], capture_output=True, check=True, text=True).stdout)
    version = subprocess.run([program, "--version"], capture_output=True, check=True, text=True).stdout.strip()
    root = dump["command"]
    add_sections(program, root)
    serve = next(one for one in root["subcommands"] if one["commandName"] == "serve")
    # Its help for --connect is that of all commands but serve.
    inspection = next(one for one in root["subcommands"] if one["commandName"] == "list")
    common = [one for one in inspection["arguments"] if set(names(one)) & COMMON]
    title = f'"" "virt\\-metadata {escaped(version)}" ""'
    (directory / "virt-metadata.8").write_text(
        f'.TH VIRT\\-METADATA 8 {title}\n.SH NAME\nvirt\\-metadata \\- {escaped(root["abstract"].rstrip("."))}\n'
        ".SH SYNOPSIS\n.B virt\\-metadata\n.RB [ \\-c\n.IR URI ]\n.I command\n.RI [ options ]\n"
        ".SH DESCRIPTION\n" + paragraphs(root.get("discussion", "")) + DESCRIPTION
        + ".SH OPTIONS\nOptions of all commands that read the configuration; they may precede the command.\n" + options(common)
        + ".SH COMMANDS\n" + command(root, [])
        + ".SH OPTIONS OF SERVE\nEach is also a setting of\n.BR virt\\-metadata.yaml (5).\n" + grouped(serve["arguments"], ".SS")
        + EXIT_STATUS + ENVIRONMENT + FILES
        + ".SH SEE ALSO\n.BR virt\\-metadata.yaml (5),\n.BR virsh (1),\n.BR cloud\\-init (1)\n")
    (directory / "virt-metadata.yaml.5").write_text(
        f'.TH VIRT\\-METADATA.YAML 5 {title}\n.SH NAME\nvirt\\-metadata.yaml \\- configuration of virt\\-metadata\n'
        ".SH DESCRIPTION\n.I /etc/virt\\-metadata/config.yaml\nis a YAML mapping of settings to values. A list is a YAML sequence, or "
        "values separated by commas. A duration is a number with a unit: ms, s, m, h or d.\n.PP\nEach setting is also an option of\n"
        ".BR \"virt\\-metadata serve\" ,\nand an environment variable:\n.B VIRT_METADATA_LOG_LEVEL\nfor\n.BR log\\-level .\n"
        "Precedence: options > environment > file.\n.PP\n.B virt\\-metadata config check\nvalidates the file,\n"
        ".B virt\\-metadata config show \\-\\-all\nprints the effective values,\n.B virt\\-metadata config template\n"
        "prints a file with all defaults. "
        "A reload of the service applies\n.BR log\\-level ,\n.BR session\\-tokens ,\n.BR hop\\-limit ,\n.B defaults\nand\n.BR profiles ;\n"
        "other settings need a restart.\n.SH SETTINGS\n" + grouped(serve["arguments"], ".SS", is_key=True)
        + ".SS Values for instances\n.TP\n.B profiles\nValues for each instance with <profile>NAME</profile>, by the name of the profile: elements of "
        "<instance> as a mapping. \\fBprofile\\fR names profiles that a profile builds on; with \\fBmerge: add\\fR its lists add to weaker "
        "lists instead of replacing them. (default: none)\n.TP\n.B defaults\nValues for every instance that does not set its own: elements of "
        "<instance> as a mapping, with \\fBdomain\\fR for host names without a dot, and \\fBnetworks\\fR for instances on a "
        "libvirt network or bridge of that name. (default: none)\n"
        ".SH SEE ALSO\n.BR virt\\-metadata (8)\n")


if __name__ == "__main__":
    main()
