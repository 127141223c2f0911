"""Where things are on the page, in a reader's words."""

MODEL = "default"
"""The upstream's name of the model that the service asks where a reader has chosen none."""


def ask(page, question="Hello?"):
    field = page.get_by_label("Your question")
    field.fill(question)
    field.press("Enter")


def prose(page):
    return page.locator(".turn:last-child .prose")


def last(page, state):
    return page.locator(f".turn:last-child[data-state={state}]")


def gap_below(page):
    return page.evaluate(
        "() => { const p = document.scrollingElement; return p.scrollHeight - p.scrollTop - p.clientHeight }"
    )
