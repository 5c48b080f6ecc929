# SPDX-License-Identifier: BSD-3-Clause
"""The guest's whole file system: busybox, the gateway with its libraries, the drivers it needs, and init.sh."""

import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
BUSYBOX = pathlib.Path("/bin/busybox")
# DPDK plugins: the buses, the packet pools, and one driver for each kind of card.
PLUGINS = ("bus_pci", "bus_vdev", "mempool_ring", "net_e1000", "net_virtio", "net_vmxnet3")
MODULES = ("tun", "uio_pci_generic", "vfio-pci", "vfio_iommu_type1")


def _output(argv):
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=True).stdout


def _libraries(binary):
    """What the loader would take for `binary`, as absolute paths, the loader included."""
    found = re.findall(r"(/\S+) \(0x[0-9a-f]+\)", _output(["ldd", binary]))
    return [pathlib.Path(path) for path in found]


def _put(root, source, target):
    place = root / str(target).lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        shutil.copyfile(source, place)
        place.chmod(0o755)


def _put_libraries(root, binaries):
    """Each library once, at the path where the loader looks for it."""
    for library in {path for binary in binaries for path in _libraries(binary)}:
        _put(root, library.resolve(), pathlib.Path("/usr") / str(library).removeprefix("/usr").lstrip("/"))


def _put_plugins(root):
    """DPDK loads librte_*.so.MAJOR.MINOR from its own folder; what is there and in the library folder too must be one
    file, or its constructors run twice and DPDK stops ("tailq is already registered")."""
    libraries = pathlib.Path(_output(["pkg-config", "--variable=libdir", "libdpdk"]).strip())
    plugins = sorted((libraries / "dpdk").glob("pmds-*"))[-1]
    folder = root / str(plugins).lstrip("/")
    folder.mkdir(parents=True)
    for name in PLUGINS:
        files = sorted(plugins.glob(f"librte_{name}.so.*.*"))
        if not files:
            raise FileNotFoundError(f"{plugins}: no librte_{name}")
        short = files[-1].with_suffix("").name  # librte_*.so.MAJOR, as other libraries ask for it
        _put_libraries(root, [files[-1]])
        _put(root, files[-1], libraries / short)
        (folder / files[-1].name).symlink_to(f"../../{short}")


def _put_modules(root, kernel):
    """The modules and what they depend on; their order is busybox's to find out."""
    files = {path.name.removesuffix(".ko").replace("-", "_"): path for path in kernel.modules.rglob("*.ko")}
    wanted, seen = [name.replace("-", "_") for name in MODULES], set()
    target = pathlib.Path("/usr/lib/modules") / kernel.version
    while wanted:
        name = wanted.pop()
        if name in seen or name not in files:  # what is no file is built in
            continue
        seen.add(name)
        _put(root, files[name], target / files[name].relative_to(kernel.modules))
        depends = re.search(rb"\0depends=([^\0]*)\0", b"\0" + files[name].read_bytes())
        wanted += [word.decode().replace("-", "_") for word in depends.group(1).split(b",") if word] if depends else []
    for name in MODULES:
        if name.replace("-", "_") not in seen:
            raise FileNotFoundError(f"{kernel.modules}: no {name}.ko")
    for listing in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        if (kernel.modules / listing).exists():
            _put(root, kernel.modules / listing, target / listing)


def make_initramfs(work, kernel, foregate, configs):
    """Writes `work`/initramfs.cpio and returns its path. `configs`: files for the guest's /etc/foregate."""
    root = pathlib.Path(work) / "root"
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("usr/bin", "usr/lib", "usr/lib64", "etc/foregate", "proc", "sys", "dev", "run", "tmp", "var/lib",
                   "usr/share/zoneinfo"):
        (root / folder).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to("usr/" + name.replace("sbin", "bin"))
    (root / "var/run").symlink_to("../run")
    _put(root, BUSYBOX, "/usr/bin/busybox")
    _put(root, foregate, "/usr/bin/foregate")
    _put(root, HERE / "init.sh", "/init")
    _put(root, "/usr/share/zoneinfo/UTC", "/usr/share/zoneinfo/UTC")
    for config in configs:
        _put(root, config, pathlib.Path("/etc/foregate") / config.name)
    _put_libraries(root, [foregate])
    _put_plugins(root)
    _put_modules(root, kernel)
    archive = pathlib.Path(work) / "initramfs.cpio"
    names = "\0".join(sorted(str(path.relative_to(root)) for path in root.rglob("*")))
    with open(archive, "wb") as out:
        subprocess.run(["cpio", "--null", "--create", "--format=newc", "--quiet", "--owner=0:0"], input=names.encode(),
                       stdout=out, cwd=root, check=True)
    return archive
