/**
 * The operations by which streaming Markdown builds a tree. A sink receives them, each about the innermost open node.
 *
 * Text that was passed on stands, in this order, with these exceptions, which are rare. `unwrap` puts the node's marks before
 * text that stands. `drop` removes a node whose text comes again at once, as another node or as the same with other marks: a
 * sink that has read the text out compares what comes with what it had. A node of the kind "again" replaces the content of a
 * node that was closed long ago, because a reference in it can be resolved now: nearly always the same text, as a link.
 */

/**
 * The kinds of nodes, and what is known of a node when it opens: blocks, then what stands in text.
 *
 * @typedef {object} NodeAttributes
 * @property {{}} paragraph
 * @property {{level: number}} heading `level` is 1 to 6
 * @property {{}} quote
 * @property {{ordered: boolean, start: number}} list `start` is the number of the first item
 * @property {{task: boolean | null}} item `task` is whether a task is done; null for an item that is no task
 * @property {{language: string}} fence `language` is "" where none is named
 * @property {{}} table
 * @property {{head: boolean}} row
 * @property {{head: boolean, align: Alignment}} cell
 * @property {{}} rule
 * @property {{open: boolean}} details content to be shown and hidden; `open` is whether it is shown at first
 * @property {{}} summary the line of `details` that is always shown
 * @property {{id: number}} again new content for the node that was closed with this `id`: its old content is removed
 * @property {{}} emphasis
 * @property {{}} strong
 * @property {{}} strike
 * @property {{}} code
 * @property {{}} link
 * @property {{}} sub
 * @property {{}} sup
 * @property {{}} kbd
 * @property {{}} break
 * @property {{display: boolean}} math its text is TeX; `display` is whether the formula stands in lines of its own
 *
 * @typedef {keyof NodeAttributes} NodeKind
 * @typedef {"start" | "center" | "end"} Alignment
 *
 * What becomes known of a node after it opened: the columns of a table; the address of a link; that a list's items stand
 * apart; or the number under which the content of a node may come again.
 * @typedef {{aligns: Alignment[]} | {href: string, title: string} | {loose: true} | {id: number}} LateAttributes
 */

/**
 * @typedef {object} MarkdownSink
 * @property {<Kind extends NodeKind>(kind: Kind, attributes: NodeAttributes[Kind]) => void} open begins a node inside the
 *   innermost open one
 * @property {(text: string) => void} text adds text to the node
 * @property {(attributes: LateAttributes) => void} set sets the attributes that were not known when the node opened
 * @property {() => void} close completes the node
 * @property {(literal: string) => void} unwrap dissolves the node: `literal` and its content take its place
 * @property {() => void} drop removes the node: its text comes again
 */

/** @type {readonly (keyof MarkdownSink)[]} The names of a MarkdownSink's operations. */
export const MARKDOWN_OPERATIONS = ["open", "text", "set", "close", "unwrap", "drop"];
