"""The service as gunicorn and `flask --app app` load it."""

from gevent import monkey

monkey.patch_all()

from flask_headrace import create_app  # noqa: E402  # everything below must find the patched modules

app = create_app()
