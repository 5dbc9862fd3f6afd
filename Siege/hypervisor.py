"""A libvirtd of the host's own, whose domains are its test driver's: they run, and there is no machine behind them."""

import os
import subprocess

import space

# Where libvirtd looks and writes; each is empty and in memory here.
PRIVATE = ("/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt")


class Hypervisor:
    """Domains that can be started and stopped while the server runs."""

    def __init__(self, place: str):
        """Starts libvirtd and waits for its answer."""
        self.uri = f"test+unix:///default?socket={place}/libvirt-sock"
        for directory in PRIVATE:
            os.makedirs(directory, exist_ok=True)
            space.call("mount", "-t", "tmpfs", "none", directory)
        # libvirt's QEMU driver would look for its user.
        for kind, line in (("passwd", "libvirt-qemu:x:64055:64055::/:/bin/false\n"), ("group", "libvirt-qemu:x:64055:\n")):
            with open(f"/etc/{kind}", encoding="utf-8") as file:
                text = file.read()
            if "\nlibvirt-qemu:" not in text:
                with open(f"{place}/{kind}", "w", encoding="utf-8") as file:
                    file.write(text + line)
                space.call("mount", "--bind", f"{place}/{kind}", f"/etc/{kind}")
        space.call("mount", "-t", "tmpfs", "none", "/etc/libvirt")
        with open(f"{place}/libvirtd.conf", "w", encoding="utf-8") as file:
            file.write(f'unix_sock_dir = "{place}"\nauth_unix_ro = "none"\nauth_unix_rw = "none"\n'
                       f'log_outputs = "3:file:{place}/libvirtd.log"\n')
        self._place = place
        self._daemon = space.Program("libvirtd", f"{place}/libvirtd.out", "libvirtd", "--config", f"{place}/libvirtd.conf", "--pid-file",
                                     f"{place}/libvirtd.pid")
        space.wait_until(self._answers, "libvirtd")
        # The test driver forgets its domains with the last connection: this one stays.
        self._kept = subprocess.Popen(
            ["virsh", "--quiet", "--connect", self.uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._kept.stdin.write("list --name\n")
        self._kept.stdin.flush()
        while self._kept.stdout.readline().strip() != "test":
            if self._kept.poll() is not None:
                raise space.Failure("virsh does not stay connected to libvirtd")
        self.stop("test")

    def _answers(self) -> bool:
        if not self._daemon.is_running():
            raise space.Failure("libvirtd ended: " + self._daemon.output()[-500:])
        try:
            self.virsh("version")
        except space.Failure:
            return False
        return True

    def virsh(self, *arguments: str) -> str:
        """Runs virsh."""
        return space.call("virsh", "--quiet", "--connect", self.uri, *arguments)

    def start(self, *documents: str) -> None:
        """Starts domains of the XML given."""
        commands = []
        for number, document in enumerate(documents):
            path = f"{self._place}/domain-{number}.xml"
            with open(path, "w", encoding="utf-8") as file:
                file.write(document)
            commands.append(f"create {path}")
        self.virsh("; ".join(commands))

    def stop(self, *names: str) -> None:
        """Ends domains, as a power cut does."""
        self.virsh("; ".join(f"destroy {name}" for name in names))

    def names(self) -> set[str]:
        """The domains that run."""
        return set(self.virsh("list", "--name").split())

    def end(self) -> None:
        """Ends libvirtd."""
        self._kept.kill()
        self._kept.wait()
        self._daemon.end()
