// The reading of declarations has tests: an option that is not seen would be missing in the reference, and
// nobody would notice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readGroups } from '../scripts/declarations.ts';
import { undescribed, withReference } from '../scripts/write-api-reference.ts';

const FILES: Readonly<Record<string, string>> = {
  'src/index.ts': `// What it is.

// ---- First ----

export { type Options, open } from './open.ts';

// ---- Second ----

export type { Box, Word } from './box.ts';
`,
  'src/open.ts': `/** All of it may be \`left\` out (P2). */
export interface Options {
  /** Bytes; see \`Word\`. Default: 1. */
  readonly size?: number;
  /** Called at the end. */
  readonly onEnd?: (how: { readonly text: string; code: 1 | 2 }) => void;
  readonly bare: 'a;b' | null;
}

/**
 * Opens a
 * box.
 * @param name what it is
 * called.
 * @returns it.
 * @throws Error
 */
export async function open(
  name: string,
  options: Options = {},
): Promise<Box> {
  return new Box({ name });
}
`,
  'src/box.ts': `export type { Word } from './word.ts';

/** A box. */
export class Box {
  readonly #inside = 1;

  /** @internal For tests. */
  readonly hidden = 2;

  /** What is in it. */
  get content(): string {
    if (this.#inside) return 'x';
    return 'y';
  }

  /** Puts. */
  async put(what: string, { more = 1 }: { more?: number } = {}): Promise<void> {
    for (const each of what) this.put(each);
  }
}
`,
  'src/word.ts': `/** A word. */
export type Word =
  | 'one'
  // The last.
  | { two: 2 };
`,
};

const groups = readGroups('src/index.ts', (path) => FILES[path] ?? assert.fail(path));
const [first, second] = groups.map(({ exports }) => exports);
const signatures = (of: typeof first, name: string) =>
  of?.find((one) => one.name === name)?.members.map(({ signature }) => signature);

test('declarations: groups, in order, with what they export', () => {
  assert.deepEqual(
    groups.map(({ heading, exports }) => [heading, ...exports.map(({ name, kind }) => `${kind} ${name}`)]),
    [
      ['First', 'interface Options', 'function open'],
      ['Second', 'class Box', 'type Word'],
    ],
  );
});

test('declarations: signatures on one line, without bodies, comments and what is internal', () => {
  assert.equal(first?.[1]?.signature, 'open(name: string, options: Options = {}): Promise<Box>');
  assert.equal(second?.[1]?.signature, "type Word = 'one' | { two: 2 }");
  assert.deepEqual(signatures(first, 'Options'), [
    'size?: number',
    'onEnd?: (how: { readonly text: string; code: 1 | 2 }) => void',
    "bare: 'a;b' | null",
  ]);
  assert.deepEqual(signatures(second, 'Box'), [
    'content: string',
    'put(what: string, { more = 1 }: { more?: number } = {}): Promise<void>',
  ]);
});

test('declarations: a docstring is taken apart, and rules of the design are left out', () => {
  assert.equal(first?.[0]?.doc?.text, 'All of it may be `left` out.');
  assert.deepEqual(first?.[1]?.doc, {
    text: 'Opens a box.',
    params: [{ name: 'name', text: 'what it is called.' }],
    returns: 'it.',
    throws: 'Error',
  });
});

test('declarations: what has no docstring is named', () => {
  assert.deepEqual(undescribed(groups), ['src/open.ts: Options.bare has no docstring']);
});

test('declarations: the page is written below its heading, with links between exports', () => {
  const page = withReference('# T\n\ntext\n\n## Reference\n\nold\n', groups);
  assert.match(page, /^# T\n\ntext\n\n## Reference\n\n### First\n\n#### `open`\n\n {4}open\(name: string, /);
  assert.match(page, /\| `size\?: number` \| Bytes; see \[`Word`\]\(#word\)\. Default: 1\. \|\n/);
  assert.match(page, /\| `bare: 'a;b' \\\| null` \|/);
  assert.ok(!page.includes('old'));
});
