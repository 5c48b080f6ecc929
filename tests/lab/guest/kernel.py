# SPDX-License-Identifier: BSD-3-Clause
"""The guest's kernel: Debian's cloud kernel, unpacked beside the tree and never installed on this machine."""

import pathlib
import re
import shutil
import subprocess
from dataclasses import dataclass

PACKAGE = "linux-image-cloud-amd64"  # depends on the newest linux-image-VERSION-cloud-amd64


class GuestNotPossible(Exception):
    """This machine cannot have a guest; the message says what is missing."""


@dataclass(frozen=True)
class Kernel:
    """An unpacked kernel package."""

    version: str
    image: pathlib.Path
    modules: pathlib.Path  # .../lib/modules/VERSION


def _said(argv, **options):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300, **options)
    if done.returncode != 0:
        raise GuestNotPossible(f"{' '.join(argv)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _package_name():
    found = re.search(r"Depends: (linux-image-\S+-cloud-amd64)$", _said(["apt-cache", "depends", PACKAGE]), re.M)
    if not found:
        raise GuestNotPossible(f"{PACKAGE} names no kernel (apt-get update?)")
    return found.group(1)


def _unpacked(folder):
    images = list(folder.glob("boot/vmlinuz-*"))
    if not images:
        return None
    version = images[0].name.removeprefix("vmlinuz-")
    roots = [root for root in (folder / "lib/modules" / version, folder / "usr/lib/modules" / version) if root.is_dir()]
    return Kernel(version, images[0], roots[0]) if roots else None


def _download(cache, name):
    fresh = cache / f"{name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    _said(["apt-get", "download", "-q", name], cwd=fresh)
    packages = list(fresh.glob("*.deb"))
    if not packages:
        raise GuestNotPossible(f"apt-get download {name}: no package came")
    _said(["dpkg-deb", "-x", str(packages[0]), str(fresh)])
    packages[0].unlink()
    if not _unpacked(fresh):
        raise GuestNotPossible(f"{name}: no boot/vmlinuz-* with its modules in it")
    fresh.rename(cache / name)


def fetch_kernel(cache):
    """The kernel below `cache`; fetched with apt if none is there. Raises GuestNotPossible."""
    cache = pathlib.Path(cache)
    there = [kernel for kernel in (_unpacked(folder) for folder in sorted(cache.glob("linux-image-*-amd64"))) if kernel]
    if there:
        return there[-1]
    try:
        _download(cache, _package_name())
    except GuestNotPossible:  # the lists of apt may be missing or old
        _said(["apt-get", "-qq", "update"])
        _download(cache, _package_name())
    return fetch_kernel(cache)
