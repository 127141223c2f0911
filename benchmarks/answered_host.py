"""A host application for the benchmarks, which is given each answer by `Headrace.on_end` or is not."""

from gevent import monkey

monkey.patch_all()

from flask import Flask  # noqa: E402  # everything below must find the patched modules

from flask_headrace import Answer, Headrace  # noqa: E402


def create_app(*, is_told: bool) -> Flask:
    """Return the application.

    Args:
        is_told: Whether it has an `on_end` function.
    """
    app = Flask(__name__)
    app.config["HEADRACE_EMBEDDED"] = False
    headrace = Headrace(app)
    if is_told:

        @headrace.on_end
        def note(answer: Answer) -> None:
            app.logger.debug("%s", answer.id)

    return app
