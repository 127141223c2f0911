/**
 * IndexedDB with promises: opens one database, and runs transactions in it.
 *
 * Knows which tables there are. Does not know what is in them.
 */

const VERSION = 1;

/**
 * Tables: `conversations` has whole conversations by their id, `summaries` what a list of them shows, `removed` when one was removed,
 * `files` what was attached, by conversation and file.
 */
const TABLES = ["conversations", "summaries", "removed", "files"];

/**
 * Open the database of this name; make it where there is none.
 *
 * @param {string} name
 * @returns {Promise<IDBDatabase>}
 * @throws {DOMException} the browser keeps nothing, or the database is of a newer version of this page
 */
export function openDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, VERSION);
    request.onupgradeneeded = () => {
      for (const table of TABLES) request.result.createObjectStore(table);
    };
    request.onsuccess = () => {
      // Another tab has a newer version of this page: it must not wait for this one.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
}

/**
 * Run a transaction: what `work` does is done as a whole, or not at all.
 *
 * @template Result
 * @param {IDBDatabase} database
 * @param {string[]} tables
 * @param {"readonly" | "readwrite"} mode
 * @param {(table: (name: string) => IDBObjectStore) => Promise<Result> | Result} work may await only `done` of requests
 * @returns {Promise<Result>} resolves once everything is kept
 * @throws {DOMException} `QuotaExceededError` where the browser has no more room
 */
export function transact(database, tables, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(tables, mode);
    /** @type {Result | undefined} */
    let result;
    transaction.oncomplete = () => resolve(/** @type {Result} */ (result));
    transaction.onabort = () => reject(transaction.error ?? new DOMException("the transaction was aborted", "AbortError"));
    Promise.resolve(work((name) => transaction.objectStore(name))).then(
      (value) => {
        result = value;
        // Without this, a page that is being left may not finish.
        if (mode === "readwrite") transaction.commit();
      },
      (error) => {
        reject(error);
        try {
          transaction.abort();
        } catch {
          // It has ended by itself.
        }
      },
    );
  });
}

/**
 * Return the result of a request.
 *
 * @template Result
 * @param {IDBRequest<Result>} request
 * @returns {Promise<Result>}
 */
export function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
