// The reading of Markdown has tests: a link, a key or a snippet that is not seen would never be checked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anchorsOf,
  exportsOf,
  keysOfSchema,
  membersOf,
  regionOf,
  relativeLinksOf,
  sectionsOf,
  snippetsOf,
  tableKeysOf,
  tableNamesOf,
  titlesOf,
} from './docs-text.ts';

const FENCE = '```';
const PAGE = `# One \`title\`, and more

See [memory](memory.md#a-b), [web](https://example.org) and \`[code](nowhere.md)\`.

| key | means |
| --- | --- |
| \`a.b\` | text |
| plain | text |

<!-- from: examples/x.ts#open -->
${FENCE}ts
# not a title [not](a-link.md)
${FENCE}

${FENCE}sh
npm start
${FENCE}

## One \`title\`, and more
`;

test('docs-text: titles, anchors and links are those of the prose', () => {
  assert.deepEqual(titlesOf(PAGE), ['One `title`, and more']);
  assert.deepEqual(anchorsOf(PAGE), ['one-title-and-more', 'one-title-and-more-1']);
  assert.deepEqual(relativeLinksOf(PAGE), ['memory.md#a-b']);
});

test('docs-text: keys are the first column of a table', () => {
  assert.deepEqual(tableKeysOf(PAGE), ['a.b']);
});

test('docs-text: a snippet says where it is cut from', () => {
  const found = snippetsOf(PAGE).map(({ language, from }) => [language, from]);
  assert.deepEqual(found, [
    ['ts', { path: 'examples/x.ts', region: 'open' }],
    ['sh', null],
  ]);
});

test('docs-text: a region is cut without the indent of its file', () => {
  const file = '// What it is.\nrun(() => {\n  // #region open\n  one();\n    two();\n  // #endregion\n});\n';
  assert.equal(regionOf(file, 'open'), 'one();\n  two();\n');
  assert.equal(regionOf(file, 'other'), null);
  assert.ok(regionOf(file, null)?.startsWith('run('));
});

test('docs-text: keys of a schema go through objects, lists and alternatives', () => {
  const entry = { properties: { name: {}, max: { anyOf: [{ type: 'number' }, { type: 'string' }] } } };
  const schema = {
    properties: { version: {}, drivers: { type: 'array', items: { oneOf: [entry, entry] } } },
  };
  assert.deepEqual(keysOfSchema(schema), ['version', 'drivers', 'drivers[].name', 'drivers[].max']);
});

test('docs-text: names in tables, by section', () => {
  const page = '# A\n\n| `one` | `not` |\n\n## `B`\n\n| `two(path, { x })`, `three` | |\n| four | |\n';
  const named = sectionsOf(page).map(({ heading, body }) => [heading, ...body.flatMap(tableNamesOf)]);
  assert.deepEqual(named, [[''], ['A', 'one'], ['`B`', 'two', 'three']]);
});

test('docs-text: exports with their types, and the members of an interface', () => {
  const face = "export { type A, b } from './a.ts';\nexport type {\n  C,\n  D,\n} from './c.ts';\n";
  const names = exportsOf(face).map(({ name, from }) => `${name} ${from}`);
  assert.deepEqual(names, ['A ./a.ts', 'b ./a.ts', 'C ./c.ts', 'D ./c.ts']);
  const shape = 'export interface C {\n  /** x: y */\n  readonly d?: { e: 1 };\n  f(g: 2): void;\n}\n';
  assert.deepEqual(membersOf(shape, 'C'), { kind: 'interface', names: ['d', 'f'] });
  const state =
    'export class D {\n  #h = 1;\n  i = 2;\n  constructor() {}\n  async j() {\n    k();\n  }\n}\n';
  assert.deepEqual(membersOf(state, 'D'), { kind: 'class', names: ['i', 'j'] });
  assert.deepEqual(membersOf(state, 'C'), { kind: '', names: [] });
});
