// A growing JSON document: the project's own reader (the module that the argument names), and the AI SDK's, which reads the
// whole text again. The question comes on standard input; the answer is how many seconds each document took, run by run.
import { readFileSync } from 'node:fs';
import { parsePartialJson } from 'ai';

const { JSONDocument, PartialJSON } = await import(process.argv[2]);
const { texts, delta, samples, repeat } = JSON.parse(readFileSync(0, 'utf8'));

function patches(text) {
  const deltas = [];
  for (let at = 0; at < text.length; at += delta) deltas.push(text.slice(at, at + delta));
  const parser = new PartialJSON();
  const document = new JSONDocument();
  const began = performance.now();
  for (const piece of deltas) document.apply(parser.feed(piece));
  parser.end();
  return (performance.now() - began) / 1000;
}

async function again(text) {
  const cuts = Array.from({ length: samples }, (_, at) => text.slice(0, Math.floor((text.length * (at + 0.5)) / samples)));
  await parsePartialJson(cuts[0]);
  const began = performance.now();
  for (const cut of cuts) await parsePartialJson(cut);
  return ((performance.now() - began) / 1000 / samples) * (text.length / delta);
}

// What Node has not compiled yet takes many times as long.
const [first] = Object.values(texts);
patches(first);
await again(first);

const runs = { patches: [], again: [] };
for (let turn = 0; turn < repeat; turn++) {
  for (const [name, one] of Object.entries({ patches, again })) {
    const row = {};
    for (const [key, text] of Object.entries(texts)) row[key] = await one(text);
    runs[name].push(row);
  }
}
console.log(JSON.stringify(runs));
