// What docs/reference/cli.md says a JSON value holds: the fields in the table below the heading of its
// schema. Tests hold what commands print to it, both ways.
import assert from 'node:assert/strict';
import { readFile } from '../repository.ts';

const PAGE = 'docs/reference/cli.md';

/** Schemas with a section of their own. */
export function documentedSchemas(): string[] {
  return [...readFile(PAGE).matchAll(/^### `(hotadd\.[a-z]+\/1)`$/gm)].map((match) => match[1] ?? '');
}

export function documentedFields(schema: string): string[] {
  const [, after = ''] = readFile(PAGE).split(`### \`${schema}\`\n`, 2);
  const section = after.split(/^#{2,3} /m, 1)[0] ?? '';
  const cells = [...section.matchAll(/^\| (`[^|]+`) \|/gm)].map((match) => match[1] ?? '');
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''));
}

/** One line of output is what the page says it is. */
export function assertDocumented(line: string): void {
  const { schema, v, ...rest } = JSON.parse(line) as Record<string, unknown>;
  assert.equal(v, 1);
  assert.ok(documentedSchemas().includes(String(schema)), `${schema} has no section in ${PAGE}`);
  assert.deepEqual(Object.keys(rest).sort(), documentedFields(String(schema)).sort(), `fields of ${schema}`);
}
