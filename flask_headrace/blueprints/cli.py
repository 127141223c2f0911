"""The commands `flask headrace ask` and `flask headrace models`."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterator

import click
import gevent
from flask.cli import AppGroup

from ..core.errors import HeadraceError
from ..core.events import AnswerRestarted, Completed, Event, FinishReason, TextDelta
from ..providers.chat_request import ChatRequest, Message
from ..streaming.reader import StreamReader
from .open_stream import open_stream
from .state import current_state

CUT_MESSAGES: dict[FinishReason, str] = {
    "length": "The answer was cut at its limit of tokens (length): give more with --max-tokens, or ask for less.",
    "content_filter": "The answer was cut by the content filter (content_filter).",
    "pause": "The model has paused before the end of its answer (pause).",
}
"""What `ask` prints to stderr, by finish reason, after an incomplete answer."""

CUT_EXIT_STATUS = 3
"""The exit status after an incomplete answer. Errors exit with 1, invalid command lines with 2."""

group = AppGroup("headrace", help="Ask models from the terminal.")


@group.command()
@click.argument("question")
@click.option("--model", help="The model, as provider/name. The default model if omitted.")
@click.option("--system", help="The system prompt.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Maximum number of tokens of the answer.")
@click.option("--temperature", type=click.FloatRange(0, 2), help="Sampling temperature: 0 is the most deterministic.")
def ask(
    question: str, model: str | None, system: str | None, max_tokens: int | None, temperature: float | None
) -> None:
    """Ask QUESTION and print the answer as it comes. Ctrl-C stops the model.

    Exits with 3 if the answer is incomplete: cut at its token limit or by the content filter, or paused.
    """
    system_messages = [Message("system", system)] if system else []
    with _report_errors():
        messages = (*system_messages, Message("user", question))
        chat_request = ChatRequest("", messages, max_tokens=max_tokens, temperature=temperature)
        with _raise_on_ctrl_c():
            reader = open_stream(model, chat_request, owner="", is_own_view=True)
            _print_answer(reader)
        if reader.session.error is not None:
            raise reader.session.error
        _report_if_cut(reader)


@contextlib.contextmanager
def _report_errors() -> Iterator[None]:
    """Print an error as one sentence and exit with 1; exit by SIGPIPE if the output's reader is gone."""
    try:
        with _without_warnings():
            yield
    except HeadraceError as error:
        raise click.ClickException(error.message) from None
    except OSError as error:
        _discard_output()
        if isinstance(error, BrokenPipeError):
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            signal.raise_signal(signal.SIGPIPE)
        raise click.ClickException(f"The output cannot be written: {error.strerror}.") from None


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Suppress warnings in the terminal, unless the application has configured logging: errors are printed alone."""
    log = logging.getLogger("flask_headrace")
    is_configured = log.hasHandlers() or log.level != logging.NOTSET
    if not is_configured:
        log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        if not is_configured:
            log.setLevel(logging.NOTSET)


def _discard_output() -> None:
    # Otherwise Python flushes the remaining output at exit, fails again and prints a stack trace.
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)


@contextlib.contextmanager
def _raise_on_ctrl_c() -> Iterator[None]:
    """Raise KeyboardInterrupt from the event loop.

    Python's own handler misses a signal that arrives as the loop goes to sleep.
    """
    watcher = gevent.signal_handler(signal.SIGINT, gevent.getcurrent().throw, KeyboardInterrupt)
    try:
        yield
    finally:
        watcher.cancel()


def _print_answer(reader: StreamReader) -> None:
    try:
        for events in reader:
            for event in events:
                _print_event(event)
    except KeyboardInterrupt:
        raise click.Abort from None
    finally:
        reader.close()
        current_state().streams.drain(0)
        if reader.session.first_event_at is not None:
            click.echo()


def _report_if_cut(reader: StreamReader) -> None:
    match reader.session.terminal:
        case Completed(reason) if reason in CUT_MESSAGES:
            click.echo(CUT_MESSAGES[reason], err=True)
            click.get_current_context().exit(CUT_EXIT_STATUS)


def _print_event(event: Event) -> None:
    match event:
        case TextDelta(text):
            click.echo(text, nl=False)
        case AnswerRestarted(reason, model):
            click.echo()
            click.echo(f"{model} restarts the answer ({reason}):", err=True)


@group.command()
def models() -> None:
    """List the available models; a star marks the default model."""
    with _report_errors():
        registry = current_state().registry
        registry.preload()  # otherwise importing a provider's SDK would use up the timeout of its model list
        for model in registry.models():
            click.echo(f"{'*' if model.default else ' '} {model.id}")
