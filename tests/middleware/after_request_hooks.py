"""An application for each thing that an `after_request` does to a response, and the names of these hooks by kind."""

CODE = """
import logging

import gevent

logging.basicConfig()


def set_headers(response):
    response.headers["X-Mine"] = "mine"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "yes"
    response.headers.pop("X-Content-Type-Options", None)
    response.headers.add("Vary", "Cookie")
    response.set_cookie("credits", "41")
    return response


def set_status(response):
    response.status_code = 202
    return response


def set_content_type(response):
    response.content_type = "application/json"
    return response


def set_length(response):
    if response.is_streamed:
        response.content_length = 5
    return response


def wrap_body(response):
    response.response = map(bytes.upper, response.iter_encoded())
    return response


def wrap_body_and_set_content_type(response):
    return set_content_type(wrap_body(response))


def replace_iterator(response):
    response.response = iter([b"my ", b"own"])
    response.content_type = "text/csv"
    return response


def replace_list(response):
    response.response = [b"my ", b"own"]
    response.content_type = "text/csv"
    return response


def replace_data(response):
    response.set_data(b"my own")
    response.content_type = "text/csv"
    return response


def replace_response(response):
    return Response("my own", 203, mimetype="text/csv")


def read_data(response):
    response.headers["X-Length"] = len(response.data)
    return response


def read_text(response):
    response.headers["X-Length"] = len(response.get_data(as_text=True))
    return response


def freeze(response):
    response.freeze()
    return response


def make_sequence(response):
    response.make_sequence()
    return response


def add_etag(response):
    response.add_etag()
    return response


def append(response):
    response.stream.write(b": appended\\n\\n")
    return response


def call_on_close(response):
    response.call_on_close(lambda: CLOSED.append(request_id(response)))
    return response


def request_id(response):
    return response.headers["x-request-id"]


def make_conditional(response):
    response.make_conditional(request.environ)
    return response


def accept_ranges(response):
    response.accept_ranges = "bytes"
    response.make_conditional(request.environ, accept_ranges=True, complete_length=1000)
    return response


def set_everything(response):
    return make_conditional(set_length(set_content_type(set_headers(response))))


def close(response):
    response.close()
    return response


def take_time(response):
    gevent.sleep(2)
    return response


CLOSED = []
HOOKS = [
    set_headers, set_status, set_content_type, set_length, wrap_body, wrap_body_and_set_content_type, replace_iterator,
    replace_list, replace_data, replace_response, read_data, read_text, freeze, make_sequence, add_etag, append,
    call_on_close, make_conditional, accept_ranges, set_everything, take_time,
]


def add_events(application):
    @application.get("/events")
    def events():
        question = [{"role": "user", "content": "hi"}]
        return application.headrace.stream(question, model=request.args["model"], stream="whole" not in request.args)


def fail(response):
    if response.status_code != 500:
        raise ZeroDivisionError
    return response


for hold in (True, False):
    for hook in [*HOOKS, close, fail]:
        application = mount(hook.__name__ if hold else "late_" + hook.__name__, hold_request=hold)
        application.after_request(hook)
        add_events(application)


def fail_at_teardown(error):
    raise ZeroDivisionError("at teardown")


for hold in (True, False):
    application = mount("teardown" if hold else "late_teardown", hold_request=hold)
    application.teardown_request(fail_at_teardown)


@app.get("/closed")
def closed():
    return jsonify(CLOSED)
"""

HEADERS = ("set_headers", "set_everything")
REPLACED = ("replace_iterator", "replace_list", "replace_data", "replace_response")
READ = ("read_data", "read_text", "freeze", "make_sequence", "add_etag", "append")
WRAPPED = ("wrap_body", "wrap_body_and_set_content_type")
LEFT = ("set_status", "set_content_type", "set_length", "call_on_close", "make_conditional", "accept_ranges")
STREAMED = (*HEADERS, *WRAPPED, *LEFT)
"""The hooks that leave a stream a stream."""
