/**
 * The programming languages that can be highlighted, and the names by which models call them.
 */

/** A line for each language: the name of its grammar, and its other names. */
const LANGUAGES = `
ada
apache apacheconf htaccess
arduino ino
armasm arm
awk gawk mawk
bash sh zsh fish ksh
c h
clojure clj cljs edn
cmake
coffeescript coffee cson
cpp c++ cc cxx hpp hh hxx h++ cuda cu
crystal cr
csharp c# cs
css
d
dart
delphi pascal pas dpr
diff patch
django jinja jinja2 j2
dockerfile docker containerfile
dos bat batch cmd
elixir ex exs
elm
erb
erlang erl
excel xls xlsx
fortran f90 f95
fsharp f# fs
gherkin feature cucumber
glsl hlsl wgsl
go golang
gradle
graphql gql
groovy
haml
handlebars hbs mustache
haskell hs
haxe hx
http https
ini toml cfg editorconfig
java jsp
javascript js jsx mjs cjs node
json jsonc json5 jsonl ndjson geojson
julia jl
kotlin kt kts
latex tex
less
lisp elisp emacs-lisp common-lisp
llvm
lua luau
makefile make mk mak
markdown md mkd mdx
matlab octave
nginx nginxconf
nim
nix nixos
objectivec objective-c objc obj-c mm
ocaml
openscad scad
perl pl pm
pgsql postgres postgresql plpgsql
php
php-template
powershell pwsh ps ps1
prolog
properties env dotenv
protobuf proto
puppet pp
python py python3 ipython gyp
python-repl pycon
qml qt
r rscript
reasonml re rescript
ruby rb gemspec irb
rust rs
sas
scala sbt
scheme scm racket rkt
scss sass
shell console shellsession shell-session terminal
smalltalk st
sml
sql mysql sqlite tsql plsql mariadb
stata do ado
stylus styl
swift
tap
tcl tk
thrift
twig
typescript ts tsx mts cts
vbnet vb vb.net visualbasic
vbscript vbs vba
verilog v sv systemverilog
vhdl
vim viml vimscript
wasm wat
x86asm asm nasm assembly
xml html xhtml svg vue svelte astro rss atom xsd xsl xslt plist
xquery xpath
yaml yml
`;

/** Languages that stand inside of another one's code. */
const INSIDE = new Map(
  Object.entries({
    django: ["xml", "css", "javascript"],
    dockerfile: ["bash"],
    erb: ["xml", "ruby"],
    haml: ["ruby"],
    handlebars: ["xml"],
    http: ["json", "xml"],
    javascript: ["xml", "css"],
    markdown: ["xml"],
    "php-template": ["xml", "php"],
    "python-repl": ["python"],
    shell: ["bash"],
    twig: ["xml"],
    typescript: ["xml", "css"],
    xml: ["css", "javascript", "typescript", "json"],
  }),
);

/** @type {Map<string, string>} */
const GRAMMARS = new Map();
for (const line of LANGUAGES.trim().split("\n")) {
  const [grammar, ...names] = line.split(" ");
  for (const name of [grammar, ...names]) GRAMMARS.set(name, grammar);
}

/**
 * Return the name of the grammar for a language as a model calls it, such as "python" for "Py"; null if there is none.
 *
 * @param {string} language
 */
export function grammarOf(language) {
  return GRAMMARS.get(language.toLowerCase().replace(/^(?:language|lang)-/, "")) ?? null;
}

/**
 * Return the names of all grammars that a language's code needs: its own, and those of the languages inside of it.
 *
 * @param {string} grammar
 */
export function grammarsFor(grammar) {
  return [grammar, ...(INSIDE.get(grammar) ?? [])];
}

/**
 * Return the grammar of the code that begins after a line, and what ends it; null if none does.
 *
 * @param {string} line a whole line of HTML or a language like it
 * @returns {{grammar: string, end: RegExp} | null}
 */
export function embeddedAfter(line) {
  const [, tag, attributes] = /<(script|style)\b([^<>]*)>\s*$/i.exec(line.slice(-400)) ?? [];
  if (!tag || attributes.endsWith("/")) return null;
  if (tag.toLowerCase() === "style") return { grammar: "css", end: /<\/style/i };
  return { grammar: scriptGrammar(attributes), end: /<\/script/i };
}

/** @param {string} attributes those of a script's tag */
function scriptGrammar(attributes) {
  const [, type = ""] = /\btype\s*=\s*["']?([^"'\s]*)/i.exec(attributes) ?? [];
  const kind = type.toLowerCase();
  if (/typescript/.test(kind) || /\blang\s*=\s*["']?tsx?\b/i.test(attributes)) return "typescript";
  if (/json|importmap/.test(kind)) return "json";
  return /^$|module|javascript|babel|jsx/.test(kind) ? "javascript" : "xml";
}
