"""A certificate for 127.0.0.1 and the authority that signed it, made with the `openssl` program."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

AUTHORITY = "authority.pem"
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_EXTENSIONS = """
subjectAltName=IP:127.0.0.1
basicConstraints=critical,CA:FALSE
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


@dataclass(frozen=True, slots=True)
class Signed:
    """The files of a certificate and of its key."""

    certificate: str
    key: str


def make(folder: Path) -> Signed | None:
    """Write an authority (`AUTHORITY`) and a certificate into a folder; None where there is no `openssl`."""
    if shutil.which("openssl") is None:
        return None
    (folder / "extensions").write_text(_EXTENSIONS)
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    subject = ("-subj", "/CN=benchmark authority")
    _openssl(folder, "req", "-x509", *_KEY, *usage, "-keyout", "authority.key", "-out", AUTHORITY, *subject)
    _openssl(folder, "req", *_KEY, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
    authority = ("-CA", AUTHORITY, "-CAkey", "authority.key", "-CAcreateserial")
    _openssl(folder, "x509", "-req", "-in", "server.csr", *authority, "-extfile", "extensions", "-out", "server.pem")
    return Signed(str(folder / "server.pem"), str(folder / "server.key"))


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
