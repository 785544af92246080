// Writes the commands into docs/reference/cli.md, below its "Commands" heading, from the table that the CLI
// itself runs on. test/docs.test.ts fails when page and table differ; then run
// `node scripts/write-cli-reference.ts`.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Described } from '../src/cli/command.ts';

const HEADING = '## Commands\n';

/** The page with everything below its heading written anew. */
export function withCommands(page: string, commands: readonly Command[]): string {
  const end = page.indexOf(HEADING) + HEADING.length;
  return `${page.slice(0, end)}\n${commands.map(sectionOf).join('\n')}`;
}

function sectionOf(command: Command): string {
  const usage = ['hotadd', command.name, ...command.arguments.map(({ form }) => form)].join(' ');
  const examples = command.examples.map((line) => `    hotadd ${line}\n`).join('');
  const table = tableOf([...command.arguments, ...command.options]);
  return `### \`${usage}\`\n\n${command.summary}\n\n${command.about}\n${table}\n${examples}`;
}

function tableOf(described: readonly Described[]): string {
  if (described.length === 0) return '';
  const rows = described.map(({ form, summary }) => `| \`${form}\` | ${summary.replaceAll('|', '\\|')} |\n`);
  return `\n| | |\n| --- | --- |\n${rows.join('')}`;
}

if (import.meta.main) {
  const path = join(import.meta.dirname, '..', 'docs', 'reference', 'cli.md');
  const table = '../src/cli/commands.ts';
  const { COMMANDS } = (await import(table)) as { COMMANDS: readonly Command[] };
  writeFileSync(path, withCommands(readFileSync(path, 'utf8'), COMMANDS));
}
