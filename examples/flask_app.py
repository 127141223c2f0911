"""A Flask application with streamed answers in a view of its own, and a chat page under a prefix.

Set OPENAI_API_KEY or ANTHROPIC_API_KEY, or have the embedded model installed; then, in this folder:

    gunicorn -k gevent -b 127.0.0.1:8000 flask_app:app

and open http://127.0.0.1:8000/ and http://127.0.0.1:8000/assistant/.
"""

from flask import Flask

from flask_headrace import Headrace

app = Flask(__name__)
headrace = Headrace(app, url_prefix="/assistant")  # POST /assistant/api/chat, and the page at /assistant/


@app.post("/summaries/<int:id>")
def summarise(id):  # a view of your own, with all that Headrace promises
    return headrace.stream([{"role": "user", "content": f"Summarise: {text_of(id)}"}])


@app.post("/countdown")
def countdown():  # any generator of pieces of text
    return headrace.stream_from(words())


@app.get("/")
def index():
    return PAGE


def text_of(id):
    return TEXTS[id % len(TEXTS)]


def words():
    for number in (3, 2, 1):
        yield f"{number} … "
    yield "go"


TEXTS = (
    "A headrace leads water from a weir to a mill. A gate at its beginning lets in as much as the wheel needs.",
    "An overshot wheel is filled from above and turned by the water's weight. It needs a high fall, and little of it.",
)

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Summaries</title>
<link rel="icon" href="data:,">
<button>Summarise</button> <button>Stop</button>
<p></p>
<script>
  const [go, stop] = document.querySelectorAll("button"), shown = document.querySelector("p");
  let id = 0, asked = new AbortController();
  stop.onclick = () => asked.abort(new Error("stopped")); // who leaves has stopped the model
  go.onclick = () => {
    asked.abort();
    asked = new AbortController();
    shown.textContent = "";
    read(`/summaries/${id++}`, asked.signal).catch((error) => (shown.textContent += ` (${error.message})`));
  };
  async function read(url, signal) {
    const response = await fetch(url, { method: "POST", signal });
    if (!response.ok) throw new Error((await response.json()).error.message);
    let rest = "";
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const frames = (rest + text).split("\\n\\n");
      rest = frames.pop();
      for (const frame of frames) {
        const [, name, data] = /^(?:id: .*\\n)?(?:event: (.*)\\n)?data: (.*)$/.exec(frame) ?? [];
        if (name === "error") throw new Error(JSON.parse(data).message);
        if (!name && data && data !== "[DONE]") shown.textContent += JSON.parse(data).delta;
      }
    }
  }
</script>
"""
