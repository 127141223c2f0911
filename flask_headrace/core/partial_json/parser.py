"""The incremental parser: text in, patches out, each piece in time proportional to its length.

Nothing is guessed: a number is emitted when a character follows it, `tr` emits nothing, half a surrogate pair waits for
its other half. Otherwise this is strict JSON (RFC 8259). If a key occurs twice, the second value replaces the first, as
in parsers of complete texts. Prose and Markdown fences around the document are skipped (locate.py, following.py), and
so is the same document again; another document is an error.
"""

from __future__ import annotations

from ..text_buffer import TextBuffer
from .errors import Incomplete, JSONError, TooLong
from .following import FollowingText
from .grammar import Grammar, ParseNumber
from .locate import DocumentLocator
from .patches import Append, Patch
from .tokens import SPECIAL, parse_number

MAX_DEPTH = 64
"""The default maximum number of nested arrays and objects."""

MAX_PATH = 1024
"""The default maximum number of characters of a path. Every patch contains one, so this bounds the size of patches."""

MAX_SIZE = 8 * 1024 * 1024
"""The default maximum number of characters of a text, with the text around its document."""


class PartialJSON:
    """Parses one document whose text arrives in pieces of any size. After an error every call raises the same error.

    Args:
        max_depth: The maximum number of nested arrays and objects.
        max_path: The maximum number of characters of a path.
        max_size: The maximum number of characters of the whole text.
        parse_number: Returns the value that patches have for a number, given its text, as `parse_float` of `json.loads`
            does; for example `decimal.Decimal`. It may return None: the number is out of range then. The default is an
            `int` or a `float`, and numbers beyond the range of a float are invalid.
    """

    __slots__ = (
        "_document",
        "_error",
        "_following",
        "_grammar",
        "_locator",
        "_max_size",
        "_received",
        "document_text",
        "is_begun",
    )

    def __init__(
        self,
        *,
        max_depth: int = MAX_DEPTH,
        max_path: int = MAX_PATH,
        max_size: int = MAX_SIZE,
        parse_number: ParseNumber = parse_number,
    ) -> None:
        self.is_begun = False
        """Whether the document's first character was received."""
        self.document_text = ""
        """The text of the document in the last piece, without the text around it."""
        self._locator = DocumentLocator()
        self._grammar = Grammar(max_depth, max_path, parse_number)
        self._document = TextBuffer()  # its text, with which a repetition is compared
        self._following: FollowingText | None = None
        self._max_size = max_size
        self._received = 0
        self._error: JSONError | None = None

    def __repr__(self) -> str:
        state = "complete" if self.is_complete else "growing" if self.is_begun else "not begun"
        return f"<PartialJSON {self._error or state}, {self._received} characters>"

    @property
    def is_complete(self) -> bool:
        """Whether the document's last character was received."""
        return self._grammar.is_complete

    def feed(self, delta: str) -> list[Patch]:
        """Parse the next piece of the text and return its patches.

        Raises:
            JSONError: the text is not JSON, or exceeds a limit. The error's `patches` are those of the piece before
                the offending character.
        """
        self._received += len(delta)
        if self._error is not None:
            raise self._error.with_traceback(None)
        if self._received > self._max_size:
            raise self._record_error(TooLong(f"The text has more than {self._max_size} characters", self._max_size))
        grammar = self._grammar
        # Most pieces only continue a string.
        if grammar.in_string and not (grammar.is_key or grammar.unfinished or SPECIAL.search(delta)):
            self._take_document(delta)
            return [Append(grammar.path, delta)] if delta else []
        return self._read(delta)

    def end(self) -> list[Patch]:
        """Finish the text and return its last patches: a number that is the whole document is emitted now.

        Idempotent.

        Raises:
            JSONError: an earlier piece raised an error, or the document is incomplete.
        """
        if self._error is not None:
            raise self._error.with_traceback(None)
        patches = [] if self.is_begun else self._read(" ")
        if self._following is not None:
            self._end_following(self._following)
        if self.is_complete:
            return patches
        if not self.is_begun:
            raise self._record_error(Incomplete("The text contains no JSON document", self._received))
        place = self._grammar.innermost
        where = f"the value at {place!r}" if place else "the document"
        raise self._record_error(Incomplete(f"The text ends inside {where}", self._received))

    def _read(self, delta: str) -> list[Patch]:
        grammar, self.document_text = self._grammar, ""
        try:
            if self._following is not None:
                self._following.feed(delta, self._received)
            else:
                self._read_document(delta if self.is_begun else self._locate_document(delta))
        except JSONError as error:
            raise self._record_error(error) from None
        patches, grammar.patches = grammar.patches, []
        return patches

    def _read_document(self, text: str) -> None:
        rest = self._grammar.read(text, self._received)
        self._take_document(text.removesuffix(rest))
        if self.is_complete:
            self._following = FollowingText(str(self._document), in_fence=self._locator.in_fence)
            self._document.clear()
            self._following.feed(rest, self._received)

    def _take_document(self, text: str) -> None:
        self.document_text = text
        self._document.append(text)

    def _end_following(self, following: FollowingText) -> None:
        try:
            following.end(self._received)
        except JSONError as error:
            raise self._record_error(error) from None

    def _locate_document(self, delta: str) -> str:
        document = self._locator.feed(delta)
        self.is_begun = document is not None
        return document or ""

    def _record_error(self, error: JSONError) -> JSONError:
        error.patches, self._grammar.patches = self._grammar.patches, []
        self._error = error
        return error
