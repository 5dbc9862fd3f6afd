#!/usr/bin/python3
"""Runs a data source of the unpacked, unmodified cloud-init once and prints what it became, as one JSON document.

    ip netns exec GUEST Tests/clients/cloud_init_datasource.py ec2
    ip netns exec GUEST Tests/clients/cloud_init_datasource.py nocloud
    ip netns exec GUEST Tests/clients/cloud_init_datasource.py openstack --dmi 'uuid=83679162-…,product=OpenStack Nova'

Exit status: 0 whether or not the data source found its service ("found" says which), anything else is a fault of this
driver or of the machine, explained on stderr. README.md beside this file lists what is replaced.
"""
import argparse
import base64
import logging
import os
import pathlib
import signal
import socket
import sys
import tempfile

METADATA_URL = "http://169.254.169.254"

DATA_SOURCES = {"ec2": "Ec2", "openstack": "OpenStack", "nocloud": "NoCloud"}

# The words of --dmi, and the names under which cloud-init asks for them.
DMI_NAMES = {
    "uuid": "system-uuid",
    "serial": "system-serial-number",
    "product": "system-product-name",
    "vendor": "system-manufacturer",
    "asset-tag": "chassis-asset-tag",
}

# What a guest shows by default. EC2: nothing that is known, so the platform is "unknown" and no token is asked for.
# OpenStack: the one line of identity without which cloud-init asks nothing.
DEFAULT_DMI = {"ec2": "", "openstack": "product=OpenStack Nova", "nocloud": "serial=ds=nocloud-net;s=http://169.254.169.254/nocloud/"}


class Fault(Exception):
    """Something around the client is not as it must be."""


def arguments():
    here = pathlib.Path(__file__).resolve()
    parser = argparse.ArgumentParser(description="Run one cloud-init data source and print it as JSON.")
    parser.add_argument("datasource", choices=sorted(DATA_SOURCES))
    parser.add_argument("--dmi", type=dmi_values, metavar="NAME=VALUE,…",
                        help=f"what SMBIOS says: {', '.join(DMI_NAMES)} (default: product=OpenStack Nova for openstack)")
    parser.add_argument("--cloud-init", type=pathlib.Path, metavar="DIR", default=here.parents[2] / ".build/clients/cloud-init",
                        help="the unpacked package (default: %(default)s)")
    parser.add_argument("--max-wait", type=int, metavar="S", default=10,
                        help="datasource.Ec2.max_wait: how long to wait for the service (default: %(default)s; Debian's is 120)")
    parser.add_argument("--timeout", type=int, metavar="S", default=5,
                        help="datasource.*.timeout: how long one answer may take (default: %(default)s)")
    parser.add_argument("--limit", type=int, metavar="S", default=120,
                        help="end this process by SIGALRM after so many seconds (default: %(default)s): cloud-init asks for"
                             " versions without any timeout")
    parser.add_argument("--debug", action="store_true", help="cloud-init's whole log to stderr")
    options = parser.parse_args()
    if options.dmi is None:
        options.dmi = dmi_values(DEFAULT_DMI[options.datasource])
    return options


def dmi_values(text):
    values = {}
    for pair in filter(None, text.split(",")):
        name, equals, value = pair.partition("=")
        if not equals or name not in DMI_NAMES:
            raise argparse.ArgumentTypeError(f"'{pair}' is not one of {', '.join(f'{name}=…' for name in DMI_NAMES)}")
        values[DMI_NAMES[name]] = value
    return values


# ---------------------------------------------------------------------------------------------- the machine around

def prepare_python(package):
    """Has `import` find the unpacked cloud-init, and Debian's own libraries for it."""
    if sys.prefix != "/usr":
        raise Fault(f"this is {sys.executable}; cloud-init's libraries belong to /usr/bin/python3")
    modules = package / "usr/lib/python3/dist-packages"
    if not (modules / "cloudinit").is_dir():
        raise Fault(f"no cloud-init in {package}: run install-cloud-init.sh first")
    # What pip put below /usr/local or a home directory would win over Debian's packages; a guest has none of it.
    sys.path[:] = [str(modules)] + [path for path in sys.path if path.startswith("/usr/lib/python3")]
    # The unpacked package stays as it was unpacked.
    sys.dont_write_bytecode = True


def prepare_environment():
    """Takes away what this machine's environment says and a guest's early boot does not."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    # The kernel command line is this machine's. cloud-init has a variable of its own to replace it.
    os.environ["DEBUG_PROC_CMDLINE"] = ""


def check_machine():
    """Refuses a machine whose own identity or interfaces would be taken for the guest's."""
    # `ip netns exec` mounts a /sys that shows the namespace's interfaces; nsenter alone does not, and cloud-init reads both.
    shown = {entry.name for entry in pathlib.Path("/sys/class/net").iterdir() if entry.is_dir()}
    real = {name for _, name in socket.if_nameindex()}
    if shown != real:
        raise Fault("/sys/class/net belongs to another network namespace: enter with `ip netns exec`")
    if os.path.exists("/sys/hypervisor/uuid"):
        raise Fault("this machine is a Xen guest: cloud-init would take /sys/hypervisor/uuid for the guest's identity")


def replace_dmi(values):
    """Shows the guest's SMBIOS instead of this machine's, which /sys and dmidecode would give."""
    from cloudinit import dmi

    dmi.read_dmi_data = values.get


def replace_name_server():
    """Answers "no such name" at once, as a guest's name server would; in the namespace there is none to ask.

    Before it trusts a URL, cloud-init looks up three names that must not exist: without this it waits 30 s for them.
    """
    resolve = socket.getaddrinfo

    def addresses_only(host, port, family=0, type=0, proto=0, flags=0):
        return resolve(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)

    socket.getaddrinfo = addresses_only


# ----------------------------------------------------------------------------------------------------- observation

class Warnings(logging.Handler):
    """Keeps every record at WARNING or above, whoever logs it."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.records = []

    def emit(self, record):
        self.records.append({"level": record.levelname, "logger": record.name, "message": record.getMessage()})


def observe_log(debug):
    warnings = Warnings()
    logging.getLogger().addHandler(warnings)
    logging.getLogger().setLevel(logging.DEBUG)
    if debug:
        stream = logging.StreamHandler(sys.stderr)
        stream.setFormatter(logging.Formatter("%(asctime)s %(name)s[%(levelname)s]: %(message)s"))
        logging.getLogger().addHandler(stream)
    return warnings.records


def observe_requests():
    """Notes each HTTP request and its status; the request itself goes out as cloud-init made it."""
    from requests.adapters import HTTPAdapter

    seen = []
    send = HTTPAdapter.send

    def noting(self, request, **options):
        entry = {"method": request.method, "url": request.url, "status": None}
        seen.append(entry)
        response = send(self, request, **options)
        entry["status"] = response.status_code
        return response

    HTTPAdapter.send = noting
    return seen


# ---------------------------------------------------------------------------------------------------- the data source

def configuration(options, name, directory):
    """The system configuration: only what an administrator may write into /etc/cloud/cloud.cfg."""
    return {
        # One entry: the way to choose a data source without ds-identify.
        "datasource_list": [name],
        "datasource": {
            # fd00:ec2::254 and instance-data. are not there, and looking for them takes time.
            # strict_id false: try although the platform is unknown, and without the banner that asks for a bug report.
            "Ec2": {"metadata_urls": [METADATA_URL], "max_wait": options.max_wait, "timeout": options.timeout,
                    "strict_id": False},
            # max_wait stays -1, as everywhere: one attempt, so the service has to be there.
            "OpenStack": {"metadata_urls": [METADATA_URL], "timeout": options.timeout},
            # No disk of this machine is a seed.
            "NoCloud": {"fs_label": None},
        },
        "system_info": {
            "distro": "debian",
            "paths": {"cloud_dir": f"{directory}/lib", "run_dir": f"{directory}/run"},
        },
    }


def find(name, config):
    """What cloud-init's network stage does (`Init._get_data_source`); None when there is nothing to be found."""
    from cloudinit import distros, helpers, sources
    from cloudinit.reporting import events

    paths = helpers.Paths(config["system_info"]["paths"])
    for directory in (paths.cloud_dir, paths.run_dir):
        os.mkdir(directory)
    distro = distros.fetch(config["system_info"]["distro"])("debian", config["system_info"], paths)
    reporter = events.ReportEventStack("init-network", "one data source", reporting_enabled=False)
    try:
        # With both dependencies this chooses the class of the network stage, which brings up no interface: the Local
        # class would start a DHCP client, and addresses are given to this namespace by whoever made it.
        source, _ = sources.find_source(config, distro, paths, [sources.DEP_FILESYSTEM, sources.DEP_NETWORK],
                                        config["datasource_list"], ["", "cloudinit.sources"], reporter)
    except sources.DataSourceNotFoundException:
        return None
    return source


def describe(source, config):
    """What the later stages would ask of the data source; what raises is in `errors` and else null."""
    questions = {
        "datasource": lambda: f"{type(source).__module__}.{type(source).__name__}",
        "dsname": lambda: source.dsname,
        "platform": lambda: source.platform_type,
        "subplatform": lambda: source.subplatform,
        "cloud_name": lambda: source.cloud_name,
        "instance_id": source.get_instance_id,
        # Whether the next boot would keep this instance without asking again.
        "check_instance_id": lambda: source.check_instance_id(config),
        # metadata_only: not this machine's own name where the service gives none.
        "hostname": lambda: source.get_hostname(metadata_only=True).hostname,
        "fqdn": lambda: source.get_hostname(fqdn=True, metadata_only=True).hostname,
        "public_ssh_keys": source.get_public_ssh_keys,
        "availability_zone": lambda: source.availability_zone,
        "region": lambda: source.region,
        "launch_index": lambda: source.launch_index,
        "metadata": lambda: source.metadata,
        "userdata": lambda: base64_text(source.get_userdata_raw()),
        "userdata_parts": lambda: content_types(source.get_userdata_raw(), source.get_userdata),
        "vendordata": source.get_vendordata_raw,
        "vendordata_parts": lambda: content_types(source.get_vendordata_raw(), source.get_vendordata),
        "vendordata2": source.get_vendordata2_raw,
        "vendordata2_parts": lambda: content_types(source.get_vendordata2_raw(), source.get_vendordata2),
        "network_config": lambda: source.network_config,
    }
    if source.dsname == "Ec2":
        # Amazon's platform only; elsewhere it is not asked for and empty.
        questions["identity"] = lambda: source.identity or None
    if source.dsname == "OpenStack":
        questions["ec2_metadata"] = lambda: source.ec2_metadata
        questions["files"] = lambda: {path: base64_text(content) for path, content in source.files.items()}
    answers = {}
    errors = {}
    for name, question in questions.items():
        try:
            answers[name] = question()
        except Exception as error:  # The client's own failure is a result, whatever it is.
            answers[name] = None
            errors[name] = f"{type(error).__name__}: {error}"
    return {**answers, "errors": errors}


def base64_text(content):
    """The bytes exactly as they came; None where none came (cloud-init has '' then)."""
    if isinstance(content, str):
        content = content.encode()
    return base64.b64encode(content).decode() if content else None


def content_types(raw, processed):
    """What cloud-init takes the parts of user data or vendor data for."""
    if not raw:
        return []
    return [part.get_content_type() for part in processed().walk() if not part.is_multipart()]


def main():
    options = arguments()
    # Whoever started this may have handed down a mask that blocks it.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    signal.alarm(options.limit)
    prepare_python(options.cloud_init.resolve())
    prepare_environment()
    check_machine()
    from cloudinit import atomic_helper, util, version

    replace_dmi(options.dmi)
    replace_name_server()
    warnings = observe_log(options.debug)
    requests = observe_requests()
    with tempfile.TemporaryDirectory(prefix="cloud-init.") as directory:
        config = configuration(options, DATA_SOURCES[options.datasource], directory)
        source = find(DATA_SOURCES[options.datasource], config)
        document = {"found": source is not None, "cloud_init": version.version_string()}
        if source is not None:
            document.update(describe(source, config))
    document.update(warnings=warnings, requests=requests)
    # cloud-init's own way to write instance-data.json: bytes become "ci-b64:…". Newer versions have it elsewhere.
    write = getattr(util, "json_dumps", None) or atomic_helper.json_dumps
    print(write(document))


if __name__ == "__main__":
    try:
        main()
    except Fault as fault:
        sys.exit(f"cloud_init_datasource: {fault}")
