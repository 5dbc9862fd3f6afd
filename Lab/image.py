"""The guests' disk, made from Debian packages and kept by a hash of how it is made."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

RECIPE = Path(__file__).with_name("recipe.sh")
DISK_SIZE = "2G"
BUILD_SECONDS = 900


class ImageError(Exception):
    """The image could not be made, and why."""


@dataclass(frozen=True)
class Image:
    """A root file system without partitions, and the kernel that is started with it."""

    disk: Path
    kernel: Path
    initrd: Path

    def is_complete(self) -> bool:
        """Tells whether all its files are there."""
        return all(path.is_file() for path in (self.disk, self.kernel, self.initrd))


def prepare(cache: Path) -> Image:
    """Gives the image, which is built first where the cache does not have it."""
    sources = _sources()
    place = cache / f"image-{_digest(sources)}"
    image = Image(place / "disk.raw", place / "vmlinuz", place / "initrd.img")
    if image.is_complete():
        return image
    for old in cache.glob("image-*"):
        shutil.rmtree(old)
    with tempfile.TemporaryDirectory(prefix="building-", dir=cache) as name:
        building = Path(name)
        _build(building, sources, cache / "image.log")
        shutil.rmtree(building / "tree")
        building.chmod(0o755)
        building.rename(place)
        building.mkdir()  # for the context, which removes it
    return image


def _digest(sources: str) -> str:
    """Names an image by what it is made of; not by the packages' versions."""
    made_of = RECIPE.read_bytes() + Path(__file__).read_bytes() + sources.encode()
    return hashlib.sha256(made_of).hexdigest()[:16]


def _sources() -> str:
    """Gives Debian's own archives among this machine's, as lines for apt."""
    listing = (
        "apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages",
        "Origin: Debian")
    if not _output(*listing):
        # apt knows an archive's origin only when it has read its lists.
        _output("apt-get", "update")
    lines = sorted({line for line in _output(*listing).splitlines() if line.endswith(" main")})
    if not lines:
        raise ImageError("apt on this machine knows no archive of Debian")
    return "\n".join(lines) + "\n"


def _apt_configuration() -> str:
    """Gives how this machine's apt reaches its archives, proxies included."""
    lines = _output("apt-config", "dump", "--format", '%f "%v";%n', "Acquire").splitlines()
    return "\n".join(line for line in lines if not line.startswith("Acquire::IndexTargets")) + "\n"


def _build(building: Path, sources: str, log: Path) -> None:
    """Makes the files of an image in a directory."""
    (building / "sources.list").write_text(sources)
    (building / "apt.conf").write_text(_apt_configuration())
    tree = building / "tree"
    with log.open("w") as output:
        def run(*command: str | Path) -> None:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=BUILD_SECONDS, check=False)
            if done.returncode != 0:
                raise ImageError(f"{' '.join(map(str, command))} ended with status {done.returncode}; what it said is in {log}")

        # In namespaces that end with it, for it mounts things and starts many processes.
        run(
            "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            RECIPE, tree, building / "sources.list", building / "apt.conf")
        for name, pattern in (("vmlinuz", "vmlinuz-*"), ("initrd.img", "initrd.img-*")):
            shutil.copyfile(next((tree / "boot").glob(pattern)), building / name)
        run("mkfs.ext4", "-q", "-F", "-L", "root", "-d", tree, building / "disk.raw", DISK_SIZE)


def overlay(image: Image, path: Path) -> None:
    """Makes a disk that has the image's content until its guest writes."""
    _output("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", os.fspath(image.disk), os.fspath(path))


def _output(*command: str) -> str:
    """Runs a command and gives what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise ImageError(f"{' '.join(command[:2])} ended with status {done.returncode}: {done.stderr.strip()}")
    return done.stdout
