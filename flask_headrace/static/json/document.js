/**
 * The document that patches make: the reader of the `partial` frames' ops.
 *
 * Knows paths (JSON Pointers, RFC 6901) and the three ops: `add` a value, which takes the place of what was there, or with
 * "/-" at its end comes after an array's last item; `append` to a string; `close` a string, an array or an object, which
 * is then complete. Knows nothing of JSON text and nothing of the page.
 */

export class JSONDocument {
  /** What there is of it so far; undefined before its first op. */
  value;

  /** @param value what it was before, such as a snapshot; it is changed in place */
  constructor(value) {
    this.value = value;
  }

  /** Take the ops of a frame. Throws a RangeError where one has no place, because ops before it are missing. */
  apply(ops) {
    for (const op of ops) {
      const [place, key] = find(this, op.path);
      if (op.op === "add") add(place, key, op.value);
      if (op.op === "append") append(place, key, op);
    }
    return this.value;
  }
}

/** The container in which a path ends, and the key or index there. */
function find(holder, path) {
  let [place, key] = [holder, "value"];
  for (const step of path.split("/").slice(1)) {
    place = Object.hasOwn(place, key) ? place[key] : null;
    if (typeof place !== "object" || place === null) throw lost(path);
    key = Array.isArray(place) ? step.replace(/^-$/, place.length) : step.replaceAll("~1", "/").replaceAll("~0", "~");
  }
  return [place, key];
}

function add(place, key, value) {
  const own = typeof value === "object" ? structuredClone(value) : value;
  // Assigned, a key named __proto__ would change what the object is instead.
  if (key === "__proto__") Object.defineProperty(place, key, { value: own, configurable: true, enumerable: true, writable: true });
  else place[key] = own;
}

function append(place, key, { path, value }) {
  if (!Object.hasOwn(place, key) || typeof place[key] !== "string") throw lost(path);
  place[key] += value;
}

function lost(path) {
  return new RangeError(`the op at ${JSON.stringify(path)} has no place in this document: ops before it are missing`);
}
