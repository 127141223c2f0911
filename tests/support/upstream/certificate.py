"""A certificate for 127.0.0.1 and the authority that signed it, made on the fly with the `openssl` program."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

AUTHORITY, CERTIFICATE, CERTIFICATE_KEY = "ca.pem", "leaf.pem", "leaf.key"
"""The names of the files that `make` writes, beside others."""

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
LEAF = """
subjectAltName=IP:127.0.0.1,DNS:localhost
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


def has_openssl() -> bool:
    """Whether a certificate can be made here."""
    return shutil.which("openssl") is not None


def make(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Write an authority and a certificate into a folder; return the authority's file and a server's context.

    Raises:
        RuntimeError: the `openssl` program is missing.
    """
    if not has_openssl():
        raise RuntimeError("an upstream with TLS needs the openssl program: apt-get install openssl")
    (folder / "leaf.ext").write_text(LEAF)
    authority = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl(folder, "req", "-x509", *KEY, *authority, "-keyout", "ca.key", "-out", AUTHORITY, "-subj", "/CN=test CA")
    _openssl(folder, "req", *KEY, "-keyout", CERTIFICATE_KEY, "-out", "leaf.csr", "-subj", "/CN=127.0.0.1")
    signed_by = ("-CA", AUTHORITY, "-CAkey", "ca.key", "-CAcreateserial")
    _openssl(folder, "x509", "-req", "-in", "leaf.csr", *signed_by, "-extfile", "leaf.ext", "-out", CERTIFICATE)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / CERTIFICATE, folder / CERTIFICATE_KEY)
    return folder / AUTHORITY, context


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
