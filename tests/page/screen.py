"""Where things are on the page, in a reader's words."""

MODEL = "default"
"""The upstream's name of the model that the service asks where a reader has chosen none."""


def ask(page, question="Hello?"):
    field = page.get_by_label("Your question")
    field.fill(question)
    field.press("Enter")


def key_field(page):
    return page.get_by_label("This service asks for a key")


def enter_key(page, key):
    """Enter a key of the service, once the page has asked for it, and return the field."""
    field = key_field(page)
    field.fill(key)
    field.press("Enter")
    return field


def prose(page):
    return page.locator(".turn:last-child .prose")


def last(page, state):
    return page.locator(f".turn:last-child[data-state={state}]")


def gap_below(page):
    return page.evaluate(
        "() => { const p = document.scrollingElement; return p.scrollHeight - p.scrollTop - p.clientHeight }"
    )


STORED_TURNS = """() => new Promise((resolve, reject) => {
  const opening = indexedDB.open("headrace:/api");
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const reading = opening.result.transaction("conversations").objectStore("conversations").getAll();
    reading.onsuccess = () => {
      opening.result.close();
      const [last] = reading.result.sort((one, other) => other.changedAt - one.changedAt);
      resolve(last?.turns ?? []);
    };
  };
})"""
"""The turns of the conversation that changed last, as the page has kept them."""


def stored_turns(page):
    return page.evaluate(STORED_TURNS)


def store_turns(page, turns, conversation=""):
    """Let the page have kept these turns of a conversation, the one in its address by default, and nothing since."""
    page.evaluate(STORE_TURNS, [turns, conversation])


STORE_TURNS = """([turns, id]) => new Promise((resolve) => {
  const opening = indexedDB.open("headrace:/api");
  opening.onsuccess = () => {
    const transaction = opening.result.transaction("conversations", "readwrite");
    const table = transaction.objectStore("conversations");
    const reading = table.get(id || location.hash.slice(1));
    reading.onsuccess = () => table.put({ ...reading.result, turns }, reading.result.id);
    transaction.oncomplete = () => { opening.result.close(); resolve(); };
  };
})"""
