/**
 * What is known of the blocks that are open, and of how a line begins among them.
 */

/**
 * An open container block. `key` is the last character of a list's marker: it keeps "-" and "*", "1." and "1)" apart.
 * `width` is by how many columns a line must be indented to belong to an item. `isEmpty` is whether an item has no content.
 * @typedef {{kind: "quote", hasGap: boolean} | {kind: "details", hasGap: boolean}
 *   | {kind: "list", key: string, hasGap: boolean, isLoose: boolean, isTold: boolean}
 *   | {kind: "item", key: string, width: number, hasGap: boolean, isEmpty: boolean}} Container
 *
 * A container that a line opens. `number` is null for an item of a bullet list, `task` for an item that is no task.
 * @typedef {{kind: "quote"} | {kind: "details", open: boolean}
 *   | {kind: "item", key: string, width: number, number: number | null, task: boolean | null}} NewContainer
 *
 * The open leaf block, as far as a line's beginning depends on it.
 * @typedef {{kind: "paragraph" | "heading" | "fence" | "indented" | "table" | "math" | "summary", mark?: string, indent?: number,
 *   isConfirmed?: boolean, columns?: number, canBeHeading?: () => boolean}} OpenLeaf
 *
 * What a line's text is: a leaf block or a part of one, with the text itself as `rest`. "delimiters" is the line of dashes
 * below a table's head, "underline" one below a heading, "more" goes on in the open leaf, and "no table" takes back a head.
 * @typedef {{kind: "blank" | "rule" | "delimiters" | "underline" | "end of fence" | "more" | "row" | "no table" | "table" | "text"
 *     | "indented" | "math" | "summary" | "end of details", rest: string} |
 *   {kind: "heading", level: number, rest: string} |
 *   {kind: "fence", mark: string, indent: number, language: string, rest: string}} LeafStart
 *
 * `depth` is how many of the open containers stay open, and `opens` are the containers to open inside them.
 * @typedef {{depth: number, opens: NewContainer[]} & LeafStart} LineStart
 */

export {};
