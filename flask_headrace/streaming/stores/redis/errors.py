"""The errors of a Redis or Valkey server: their messages, and whether they are permanent.

The messages contain no key, no password and nothing that was sent. The same error has different texts in each version
of the server and of its client, so this module goes by the code in the text.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator

from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from .keys import PREFIX

CODES_OF_CLASSES = {
    AuthenticationError: "WRONGPASS",
    BusyLoadingError: "LOADING",
    NoPermissionError: "NOPERM",
    OutOfMemoryError: "OOM",
    ReadOnlyError: "READONLY",
    MovedError: "MOVED",
    AskError: "ASK",
    TryAgainError: "TRYAGAIN",
    MasterDownError: "MASTERDOWN",
    ClusterDownError: "CLUSTERDOWN",
}
"""The codes of the errors from whose text the client removes the code. A class comes after its subclasses."""

MESSAGES = {
    "WRONGPASS": "it refuses the user or password of HEADRACE_STORE",
    "NOPERM": (
        f"its user may not do all that is needed: give it ~{PREFIX}* &{PREFIX}* +@scripting +@read +@write +@pubsub "
        "+@connection +time, and in a cluster +cluster|slots"
    ),
    "OOM": "it has no memory left",
    "READONLY": "it is a replica, which cannot be written to",
    "LOADING": "it is still loading its data",
    "DENIED": "it lets in nobody from other machines (protected-mode): give it a password, or say where it listens",
    "MISCONF": "it cannot save its data to its disk, and takes none until it can",
    "NOREPLICAS": "it has too few replicas, and takes no data until it has more",
    "MOVED": "it is a server of a cluster",
    "ASK": "its part of the cluster is being moved to another server",
    "TRYAGAIN": "its part of the cluster is being moved to another server",
    "CLUSTERDOWN": "the cluster is down, or no server of it has the slot of our keys",
    "MASTERDOWN": "it is a replica that has lost its master",
    "BUSY": "it is busy with a script of somebody's",
}

PERMANENT_CODES = {"WRONGPASS", "NOPERM", "READONLY", "DENIED"}
"""The codes of errors that last until somebody changes something."""

REDIRECT_CODES = {"READONLY", "MOVED", "LOADING", "CLUSTERDOWN", "MASTERDOWN"}
"""The codes with which a server has certainly executed nothing, and another server may be the right one."""

CONNECTION_FAILED = "no connection to it comes about, or it broke"

TLS_FAILED = "it does not speak TLS as it should: where it speaks none, write redis:// instead of rediss://"
UNKNOWN_CERTIFICATE = (
    "its certificate is not trusted here: add ?ssl_ca_certs=/path/to/ca.pem to the URL, and call the server by a name "
    "that is in the certificate"
)


def error_code(error: BaseException) -> str:
    """Return the code of an error reply of a server, such as "NOPERM"; empty for any other error."""
    for kind, code in CODES_OF_CLASSES.items():
        if isinstance(error, kind):
            return code
    if not isinstance(error, ResponseError):
        return ""
    text = str(error)
    if "The user executing the script" in text:
        return "NOPERM"
    # Older servers wrap the error of a command in a script: "ERR Error running script …: -READONLY You …".
    found = re.search(r"(?:^|\s-)([A-Z]+)\b", text)
    return found[1] if found else "ERR"


def redacted_message(error: BaseException) -> str:
    """Return a message for an error, without anything confidential: a clause whose subject "it" is the server."""
    code = error_code(error)
    if "without any password" in str(error):
        return "it needs no password: leave the password out of HEADRACE_STORE"
    if code in MESSAGES:
        return MESSAGES[code]
    if tls_error := _tls_error(error):
        return UNKNOWN_CERTIFICATE if isinstance(tls_error, ssl.SSLCertVerificationError) else TLS_FAILED
    if isinstance(error, RedisTimeoutError):
        return "it does not answer"
    if isinstance(error, ResponseError):
        return f"it answers {code}"
    return CONNECTION_FAILED


def is_permanent(error: BaseException) -> bool:
    """Whether an error lasts until somebody changes something."""
    return error_code(error) in PERMANENT_CODES or _tls_error(error) is not None


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    temporary = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
    errors = (cause for cause in _causes(error) if isinstance(cause, ssl.SSLError) and not isinstance(cause, temporary))
    return next(errors, None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
