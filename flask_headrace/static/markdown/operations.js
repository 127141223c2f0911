/**
 * The operations by which streaming Markdown builds a tree. A sink receives them, each about the innermost open node.
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
 * @property {{}} emphasis
 * @property {{}} strong
 * @property {{}} strike
 * @property {{}} code
 * @property {{}} link
 * @property {{}} break
 * @property {{display: boolean}} math its text is TeX; `display` is whether the formula stands in lines of its own
 *
 * @typedef {keyof NodeAttributes} NodeKind
 * @typedef {"start" | "center" | "end"} Alignment
 *
 * What becomes known of a node after it opened: the columns of a table, or the address of a link.
 * @typedef {{aligns: Alignment[]} | {href: string, title: string}} LateAttributes
 */

/**
 * @typedef {object} MarkdownSink
 * @property {<Kind extends NodeKind>(kind: Kind, attributes: NodeAttributes[Kind]) => void} open begins a node inside the
 *   innermost open one
 * @property {(text: string) => void} text adds text to the node
 * @property {(attributes: LateAttributes) => void} set sets the attributes that were not known when the node opened
 * @property {() => void} close completes the node
 * @property {(literal: string) => void} unwrap dissolves the node: `literal` and its content take its place
 * @property {() => void} drop removes the node: its text comes again as another node
 */

/** @type {readonly (keyof MarkdownSink)[]} The names of a MarkdownSink's operations. */
export const MARKDOWN_OPERATIONS = ["open", "text", "set", "close", "unwrap", "drop"];
