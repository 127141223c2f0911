/**
 * Two takers of the same operations as one: what is shown is also read out.
 */

export class Both {
  /** Gives each of the `operations`, told by their names, to every one of the `sinks`. */
  constructor(operations, ...sinks) {
    for (const operation of operations) {
      this[operation] = (...values) => sinks.forEach((sink) => sink[operation](...values));
    }
  }
}
