// The reading of Markdown has tests: a link, a key or a snippet that is not seen would never be checked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anchorsOf,
  keysOfSchema,
  regionOf,
  relativeLinksOf,
  snippetsOf,
  tableKeysOf,
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
