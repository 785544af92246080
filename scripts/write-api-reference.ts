// Writes the reference of what an author imports into its pages, below their "Reference" headings, from the
// docstrings of what is exported. test/docs.test.ts fails when page and sources differ, or when an export has
// no docstring; then run `node scripts/write-api-reference.ts`.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Declaration, type Doc, type Group, type Member, readerAt, readGroups } from './declarations.ts';

/** Each page, and the file of the exports that it describes. */
export const PAGES = {
  'docs/reference/library.md': 'src/index.ts',
  'docs/reference/buffers.md': 'src/buffers/index.ts',
  'docs/reference/testing.md': 'src/testing/index.ts',
} as const;

const HEADING = '## Reference\n';

/** The page with everything below its heading written anew. */
export function withReference(page: string, groups: readonly Group[]): string {
  const end = page.indexOf(HEADING) + HEADING.length;
  const names = groups.flatMap(({ exports }) => exports.map(({ name }) => name));
  const sections = groups.map(
    ({ heading, exports }) => `### ${heading}\n\n${functionsFirst(exports).map(sectionOf).join('\n')}`,
  );
  return `${page.slice(0, end)}\n${linked(sections.join('\n'), names)}`;
}

/** What has no docstring. */
export function undescribed(groups: readonly Group[]): string[] {
  return groups.flatMap(({ exports }) =>
    exports.flatMap(({ name, path, doc, members }) => [
      ...(doc === null ? [`${path}: ${name} has no docstring`] : []),
      ...members
        .filter((member) => member.doc === null)
        .map((member) => `${path}: ${name}.${member.name} has no docstring`),
    ]),
  );
}

function functionsFirst(exports: readonly Declaration[]): Declaration[] {
  const isFunction = ({ kind }: Declaration) => kind === 'function';
  return [...exports.filter(isFunction), ...exports.filter((one) => !isFunction(one))];
}

function sectionOf(declaration: Declaration): string {
  const { name, kind, signature, doc, members } = declaration;
  const written = kind === 'function' || kind === 'type' ? `    ${signature}\n\n` : '';
  const text = doc === null ? '' : `${paragraphsOf(doc).join('\n\n')}\n`;
  const rows = members.map((member) => `| ${codeOf(member, name)} | ${cellOf(member)} |\n`);
  const table = rows.length === 0 ? '' : `\n| | |\n| --- | --- |\n${rows.join('')}`;
  return `#### \`${name}\`\n\n${written}${text}${table}`;
}

function paragraphsOf({ text, params, returns, throws }: Doc): string[] {
  return [
    text,
    ...params.map((param) => `\`${param.name}\`: ${param.text}`),
    ...(returns === null ? [] : [`Gives ${returns}`]),
    ...(throws === null ? [] : [`Throws ${throws}`]),
  ].filter((paragraph) => paragraph !== '');
}

function codeOf({ signature }: Member, owner: string): string {
  // What an author writes.
  const written = signature.replace(/^constructor/, `new ${owner}`);
  return `\`${written.replaceAll('readonly ', '').replaceAll('|', '\\|')}\``;
}

function cellOf({ doc }: Member): string {
  return doc === null ? '' : paragraphsOf(doc).join('<br>').replaceAll('\n\n', '<br>').replaceAll('|', '\\|');
}

/** A name of another export leads to it. */
function linked(text: string, names: readonly string[]): string {
  return text.replace(/(?<=[ (])(?<!^#+ )`(\w+)`(?= |[.,;:)]|$)/gm, (code, name: string) =>
    names.includes(name) ? `[${code}](#${name.toLowerCase()})` : code,
  );
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  for (const [page, face] of Object.entries(PAGES)) {
    const path = join(root, page);
    const groups = readGroups(face, readerAt(root));
    writeFileSync(path, withReference(readFileSync(path, 'utf8'), groups));
  }
}
