// The table of docs/reference/notification.md is held to the tests of the rules, both ways: every rule has a
// row, every test that a row names exists with exactly that title in that file, and every test of a rule is
// named.
import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import { listFiles, none, readFile } from './repository.ts';

const PAGE = 'docs/reference/notification.md';
const RULES = Array.from({ length: 21 }, (_, index) => `N${index + 1}`);

interface Held {
  readonly rule: string;
  /** `title (file)`, as the table writes it. */
  readonly test: string;
}

/** The rows of the table: what holds each rule. */
function rowsOf(text: string): { rule: string; says: string; source: string; tests: string[] }[] {
  return [...text.matchAll(/^\| (N\d+) \| (.+?) \| (.+?) \| (.+?) \|$/gm)].map((match) => ({
    rule: match[1] ?? '',
    says: match[2] ?? '',
    source: match[3] ?? '',
    tests: (match[4] ?? '').split('<br>'),
  }));
}

/** The tests of rules in a file: a title that begins with the rule. */
function testsOf(path: string, text: string): Held[] {
  const file = posix.basename(path, '.test.ts');
  return [...text.matchAll(/\btest\(\s*'((N\d+): [^']+)'/g)].map((match) => ({
    rule: match[2] ?? '',
    test: `${match[1]} (${file})`,
  }));
}

const rows = rowsOf(readFile(PAGE));
const held = listFiles('test/notification')
  .filter((path) => path.endsWith('.test.ts'))
  .flatMap((path) => testsOf(path, readFile(path)));

test('docs: notification.md has a row for every rule, in order, with its source and a test', () => {
  assert.deepEqual(
    rows.map(({ rule }) => rule),
    RULES,
  );
  for (const { rule, says, source, tests } of rows)
    assert.ok(says.length > 20 && source.length > 5 && tests.length > 0, rule);
});

test('docs: notification.md names tests that exist, each at its own rule and once', () => {
  const known = new Set(held.map(({ rule, test }) => `${rule}: ${test}`));
  const named = rows.flatMap(({ rule, tests }) => tests.map((each) => `${rule}: ${each}`));
  none([
    ...named.filter((each) => !known.has(each)).map((each) => `${PAGE}: no such test: ${each}`),
    ...named.filter((each, index) => named.indexOf(each) !== index).map((each) => `${PAGE}: twice: ${each}`),
  ]);
});

test('docs: every test of a rule is in notification.md, and no two in a file share a title', () => {
  assert.ok(held.length > 80, `${held.length} tests were found`);
  const named = new Set(rows.flatMap(({ tests }) => tests));
  const titles = held.map((each) => each.test);
  none([
    ...titles.filter((each) => !named.has(each)).map((each) => `${PAGE}: is missing: ${each}`),
    ...titles.filter((each, index) => titles.indexOf(each) !== index).map((each) => `two tests: ${each}`),
  ]);
});

test('docs: a test of a rule is found, whatever way its title is broken', () => {
  const text = "test('N1: one', () => {});\n  test(\n    'N21: two', async () => {});\ntest('other: N3', f);";
  assert.deepEqual(testsOf('a/b.test.ts', text), [
    { rule: 'N1', test: 'N1: one (b)' },
    { rule: 'N21', test: 'N21: two (b)' },
  ]);
  const [row, ...others] = rowsOf('| N1 | says | from | N1: one (b)<br>N1: two (b) |\n| x | y | z | a |\n');
  assert.deepEqual([row?.tests, others], [['N1: one (b)', 'N1: two (b)'], []]);
});
