/**
 * A request as a command for a shell. Pure.
 */

/**
 * Return the command that sends a question as the page has sent it. A key is not in it: it is read from `$HEADRACE_API_KEY`.
 *
 * @param {string} url
 * @param {string} body the JSON text of the request
 * @param {{hasKey: boolean}} options whether the service was asked with a key
 */
export function curlText(url, body, { hasKey }) {
  const key = hasKey ? ` \\\n  -H "Authorization: Bearer $HEADRACE_API_KEY"` : "";
  return `curl -N ${quoted(url)} \\\n  -H 'Content-Type: application/json'${key} \\\n  --data-binary ${quoted(body)}`;
}

/** @param {string} text in quotes of a POSIX shell, in which nothing has a meaning but the quote */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
