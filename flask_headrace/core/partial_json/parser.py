"""A JSON document that grows: text in, patches out, each piece at the cost of its length.

Nothing is guessed: a number is there when something follows it, `tr` is nothing, half a surrogate pair waits for its
other half. Otherwise this is strict JSON (RFC 8259). The value of a key that comes twice takes the place of the first
one, as in every reader of whole texts. Text before the document and a Markdown fence around it are skipped
(opening.py), and where there was any, what follows is, too; a document that nothing came before must be all there is.
"""

from __future__ import annotations

from .errors import Incomplete, JSONError, TooLong
from .grammar import Grammar
from .locate import DocumentLocator
from .patches import Append, Patch
from .tokens import SPECIAL

MAX_DEPTH = 64
"""Arrays and objects that may be open inside each other."""

MAX_PATH = 1024
"""Characters that a path may have: every patch carries one, so this bounds their bytes."""

MAX_SIZE = 8 * 1024 * 1024
"""Characters that a text may have, with what is around its document."""


class PartialJSON:
    """Reads one document, however its text is cut. After an error it answers everything with the same one.

    Args:
        max_depth: Arrays and objects that may be open inside each other.
        max_path: Characters that a path may have.
        max_size: Characters that the whole text may have.
    """

    __slots__ = ("_error", "_grammar", "_locator", "_max_size", "_received", "is_begun")

    def __init__(self, *, max_depth: int = MAX_DEPTH, max_path: int = MAX_PATH, max_size: int = MAX_SIZE) -> None:
        self.is_begun = False
        """Whether the document's first character has come."""
        self._locator = DocumentLocator()
        self._grammar = Grammar(max_depth, max_path)
        self._max_size = max_size
        self._received = 0
        self._error: JSONError | None = None

    def __repr__(self) -> str:
        state = "complete" if self.is_complete else "growing" if self.is_begun else "not begun"
        return f"<PartialJSON {self._error or state}, {self._received} characters>"

    @property
    def is_complete(self) -> bool:
        """Whether the document's last character has come."""
        return self._grammar.is_complete

    def feed(self, delta: str) -> list[Patch]:
        """Take the next piece of the text and return what it changes.

        Raises:
            JSONError: it is no JSON from some character on, or goes beyond a limit. The error's `patches` are what
                the piece has changed before that.
        """
        self._received += len(delta)
        if self._error is not None:
            raise self._error.with_traceback(None)
        if self._received > self._max_size:
            raise self._record_error(TooLong(f"The text has more than {self._max_size} characters", self._max_size))
        grammar = self._grammar
        # Most pieces are nothing but more of a string.
        if grammar.in_string and not (grammar.is_key or grammar.unfinished or SPECIAL.search(delta)):
            return [Append(grammar.path, delta)] if delta else []
        return self._read(delta)

    def end(self) -> list[Patch]:
        """Return what the end of the text changes: a number that is the whole document is there now.

        May be called twice.

        Raises:
            JSONError: the text was refused before, or its document is not complete.
        """
        if self._error is not None:
            raise self._error.with_traceback(None)
        patches = [] if self.is_begun else self._read(" ")
        if self.is_complete:
            return patches
        if not self.is_begun:
            raise self._record_error(Incomplete("There is no JSON document in the text", self._received))
        place = self._grammar.innermost
        where = f"the value at {place!r}" if place else "the document"
        raise self._record_error(Incomplete(f"The text ends inside {where}", self._received))

    def _read(self, delta: str) -> list[Patch]:
        grammar = self._grammar
        try:
            grammar.read(delta if self.is_begun else self._locate_document(delta), self._received)
        except JSONError as error:
            raise self._record_error(error) from None
        patches, grammar.patches = grammar.patches, []
        return patches

    def _locate_document(self, delta: str) -> str:
        document = self._locator.feed(delta)
        if document is None:
            return ""
        self.is_begun = True
        self._grammar.skips_rest = not self._locator.is_alone
        return document

    def _record_error(self, error: JSONError) -> JSONError:
        error.patches, self._grammar.patches = self._grammar.patches, []
        self._error = error
        return error
