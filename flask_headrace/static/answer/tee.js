/**
 * Two receivers of the same operations as one: what is shown is also read out.
 */

/** @typedef {(...values: unknown[]) => void} Operation */

/**
 * Return a sink that passes each operation on to several sinks.
 *
 * @template {object} Sink
 * @param {readonly (keyof NoInfer<Sink>)[]} operations the names of the operations
 * @param {...NoInfer<Sink>} sinks called in this order
 * @returns {Sink}
 */
export function tee(operations, ...sinks) {
  const methods = operations.map((operation) => {
    const targets = sinks.map((sink) => /** @type {Operation} */ (sink[operation]).bind(sink));
    return [operation, /** @type {Operation} */ ((...values) => targets.forEach((target) => target(...values)))];
  });
  return /** @type {Sink} */ (Object.fromEntries(methods));
}
