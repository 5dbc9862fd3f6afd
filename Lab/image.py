"""The guests' disks and a host's files, made from Debian packages and kept by a hash of how they are made."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

RECIPE = Path(__file__).with_name("recipe.sh")
HOST_RECIPE = Path(__file__).with_name("host-recipe.sh")
# Debian's releases by number, as guests and hosts name them.
RELEASES = {12: "bookworm", 13: "trixie"}
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


def prepare(cache: Path, debian: int) -> Image:
    """Gives the disk of a guest with this release of Debian, which is made first where the cache does not have it."""
    place = _kept(cache, f"image-{debian}", RECIPE, debian, _make_disk)
    return Image(place / "disk.raw", place / "vmlinuz", place / "initrd.img")


def prepare_root(cache: Path, debian: int) -> Path:
    """Gives the files of a host with this release of Debian: libvirt, QEMU, and what our package depends on."""
    return _kept(cache, f"root-{debian}", HOST_RECIPE, debian, lambda building: None) / "tree"


def _kept(cache: Path, kind: str, recipe: Path, debian: int, finish: Callable[[Path], None]) -> Path:
    """Gives a directory of the cache, which is made by a recipe unless it is there; earlier ones of its kind are removed."""
    sources = _sources(RELEASES[debian])
    place = cache / f"{kind}-{_digest(recipe, sources)}"
    if place.is_dir():
        return place
    for old in cache.glob(f"{kind}-*"):
        shutil.rmtree(old)
    with tempfile.TemporaryDirectory(prefix="building-", dir=cache) as name:
        building = Path(name)
        _install(building, recipe, debian, sources, cache / f"{kind}.log")
        finish(building)
        building.chmod(0o755)
        building.rename(place)
        building.mkdir()  # for the context, which removes it
    return place


def _digest(recipe: Path, sources: str) -> str:
    """Names what is made by what it is made of; not by the packages' versions."""
    made_of = recipe.read_bytes() + Path(__file__).read_bytes() + sources.encode()
    return hashlib.sha256(made_of).hexdigest()[:16]


def _sources(release: str) -> str:
    """Gives a release's archives, where this machine has those of its own release, as lines for apt."""
    listing = (
        "apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages",
        "Origin: Debian")
    if not _output(*listing):
        # apt knows an archive's origin only when it has read its lists.
        _output("apt-get", "update")
    lines = sorted({line for line in _output(*listing).splitlines() if line.endswith(" main")})
    if not lines:
        raise ImageError("apt on this machine knows no archive of Debian")
    # A suite is a release, or a release with a word behind it: bookworm, bookworm-updates.
    fields = [line.split(" ") for line in lines]
    return "".join(f"deb {address} {'-'.join([release, *suite.split('-')[1:]])} main\n" for _, address, suite, _ in fields)


def _apt_configuration() -> str:
    """Gives how this machine's apt reaches its archives, proxies included."""
    lines = _output("apt-config", "dump", "--format", '%f "%v";%n', "Acquire").splitlines()
    return "\n".join(line for line in lines if not line.startswith("Acquire::IndexTargets")) + "\n"


def _install(building: Path, recipe: Path, debian: int, sources: str, log: Path) -> None:
    """Installs Debian by a recipe into the directory `tree`."""
    (building / "sources.list").write_text(sources)
    (building / "apt.conf").write_text(_apt_configuration())
    with log.open("w") as output:
        # In namespaces that end with it, for it mounts things and starts many processes.
        command = [
            "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            recipe, building / "tree", building / "sources.list", building / "apt.conf", str(debian)]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=BUILD_SECONDS, check=False)
        if done.returncode != 0:
            raise ImageError(f"{recipe.name} ended with status {done.returncode}; what it said is in {log}")


def _make_disk(building: Path) -> None:
    """Makes an image of an installed tree, which is then needed no more."""
    tree = building / "tree"
    for name, pattern in (("vmlinuz", "vmlinuz-*"), ("initrd.img", "initrd.img-*")):
        shutil.copyfile(next((tree / "boot").glob(pattern)), building / name)
    _output("mkfs.ext4", "-q", "-F", "-L", "root", "-d", os.fspath(tree), os.fspath(building / "disk.raw"), DISK_SIZE)
    shutil.rmtree(tree)


def overlay(image: Image, path: Path) -> None:
    """Makes a disk that has the image's content until its guest writes."""
    _output("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", os.fspath(image.disk), os.fspath(path))


def _output(*command: str) -> str:
    """Runs a command and gives what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise ImageError(f"{' '.join(command[:2])} ended with status {done.returncode}: {done.stderr.strip()}")
    return done.stdout
