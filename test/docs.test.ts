// The documentation is held to the code: what the code knows is in the reference and nothing else is, links
// resolve, and code in pages is cut from files that run. A part of hotadd that does not exist yet has nothing
// to document, so its page may promise nothing: each list is compared both ways, also when it is empty.
import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { describe, test } from 'node:test';
import { readerAt, readGroups } from '../scripts/declarations.ts';
import { PAGES, undescribed, withReference } from '../scripts/write-api-reference.ts';
import { withCommands } from '../scripts/write-cli-reference.ts';
import type { Command } from '../src/cli/command.ts';
import { ERROR_CODES } from '../src/core/errors.ts';
import { DRIVERS } from '../src/drivers/list.ts';
import {
  anchorsOf,
  exportsOf,
  headingsOf,
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
import { isThere, listFiles, none, ROOT, readFile, readJson } from './repository.ts';

const pages = listFiles().filter((path) => path.endsWith('.md'));

/** Both ways: what is not documented, and what is documented and does not exist. */
function sameNames(page: string, documented: readonly string[], known: readonly string[]): void {
  none([
    ...known.filter((name) => !documented.includes(name)).map((name) => `${page}: ${name} is not described`),
    ...documented.filter((name) => !known.includes(name)).map((name) => `${page}: ${name} does not exist`),
    ...documented
      .filter((name, index) => documented.indexOf(name) !== index)
      .map((name) => `${page}: ${name} is described twice`),
  ]);
}

/** The file that declares what another one exports. */
function homeOf(name: string, path: string): string {
  const found = exportsOf(readFile(path)).find((one) => one.name === name);
  return found === undefined ? path : homeOf(name, posix.join(posix.dirname(path), found.from));
}

/** All that an interface has, and what of a class is for authors: its other members are for the agent. */
function sameMembers(
  place: string,
  documented: readonly string[],
  { kind, names }: ReturnType<typeof membersOf>,
): void {
  sameNames(
    place,
    documented,
    kind === 'interface' ? names : names.filter((name) => documented.includes(name)),
  );
}

const COMMANDS = 'src/cli/commands.ts';

/** The table that the CLI runs on. None before there is a CLI. */
async function readCommands(): Promise<readonly Command[]> {
  if (!isThere(COMMANDS)) return [];
  const { COMMANDS: commands } = (await import(`../${COMMANDS}`)) as { COMMANDS: readonly Command[] };
  assert.ok(commands.length > 0, `${COMMANDS} lists no command`);
  return commands;
}

describe('docs: the reference is the code', () => {
  test('docs: errors.md lists every error code and no other', () => {
    const page = 'docs/reference/errors.md';
    const codes = Object.keys(ERROR_CODES);
    assert.ok(codes.length > 10, 'the table of codes was not found');
    sameNames(page, tableKeysOf(readFile(page)), codes);
  });

  test('docs: cli.md says of every command what the command says of itself', async () => {
    const page = readFile('docs/reference/cli.md');
    const expected = withCommands(page, await readCommands());
    assert.equal(page.trim(), expected.trim(), 'run `node scripts/write-cli-reference.ts`');
  });

  test('docs: pages name commands that exist', async () => {
    const commands = (await readCommands()).map(({ name }) => name);
    const named = (page: string) =>
      [...readFile(page).matchAll(/(?:npx |`|^ {4})hotadd ([a-z]+)\b/gm)].map((match) => match[1] ?? '');
    const wrong = (page: string) => named(page).filter((name) => !commands.includes(name));
    // Until there is a table of commands there is nothing to compare with.
    if (commands.length === 0) return assert.ok(!isThere(COMMANDS));
    none(pages.flatMap((page) => wrong(page).map((name) => `${page}: hotadd ${name} does not exist`)));
  });

  test('docs: config.md lists every key of the schema and no other', async () => {
    const page = 'docs/reference/config.md';
    const { publishedSchema } = await import('../src/agent/config-schema.ts');
    // The options of one kind of driver are on the page of that kind.
    const options = DRIVERS.flatMap((kind) => Object.keys(kind.options.shape));
    const isOption = (key: string) => options.includes(/^drivers\[\]\.([^.[]+)/.exec(key)?.[1] ?? '');
    const keys = keysOfSchema(publishedSchema(DRIVERS)).filter((key) => !isOption(key));
    assert.ok(keys.includes('version') && keys.includes('drivers[].name'), keys.join(' '));
    sameNames(page, tableKeysOf(readFile(page)), keys);
  });

  test('docs: api.md lists every route and no other', async () => {
    const page = 'docs/reference/api.md';
    const { ROUTES, STREAM_ROUTE } = await import('../src/agent/api.ts');
    const listed = tableKeysOf(readFile(page)).filter((key) => /^[A-Z]+ \//.test(key));
    sameNames(page, listed, [...Object.keys(ROUTES), STREAM_ROUTE]);
  });

  for (const [page, face] of Object.entries(PAGES)) {
    test(`docs: ${posix.basename(page)} says of every export what its docstring says`, () => {
      const groups = readGroups(face, readerAt(ROOT));
      const names = groups.flatMap(({ exports }) => exports.map(({ name }) => name));
      const exported = exportsOf(readFile(face)).map(({ name }) => name);
      assert.ok(exported.length > 5, 'the exports were not found');
      sameNames(face, names, exported);
      none(undescribed(groups));
      const text = readFile(page);
      const expected = withReference(text, groups);
      assert.equal(text.trim(), expected.trim(), 'run `node scripts/write-api-reference.ts`');
    });
  }

  for (const [page, face] of [
    ['docs/reference/adapters.md', 'src/adapters/index.ts'],
    ['docs/reference/workers.md', 'src/workers/index.ts'],
    ['docs/reference/lab.md', 'lab/index.ts'],
  ] as const) {
    test(`docs: ${posix.basename(page)} lists every export and no other, and members`, () => {
      const exported = exportsOf(readFile(face)).map(({ name }) => ({ name, path: homeOf(name, face) }));
      assert.ok(exported.length > 5, 'the exports were not found');
      const listed: string[] = [];
      for (const { heading, body } of sectionsOf(readFile(page))) {
        const keys = body.flatMap((line) => tableNamesOf(line));
        const owner = exported.find(({ name }) => heading === `\`${name}\``);
        if (owner === undefined) listed.push(...keys);
        else sameMembers(`${page}: ${owner.name}`, keys, membersOf(readFile(owner.path), owner.name));
      }
      sameNames(
        page,
        listed,
        exported.map(({ name }) => name),
      );
    });
  }

  test('docs: configurations in pages are valid', async () => {
    const { parseConfig } = await import('../src/agent/config.ts');
    const whole = pages.flatMap((page) =>
      snippetsOf(readFile(page))
        .filter(({ language, code }) => language === 'yaml' && /^version:/m.test(code))
        .map(({ code, line }) => ({ code, place: `${page}:${line}` })),
    );
    assert.ok(whole.length > 1, 'no configuration was found in the pages');
    for (const { code, place } of whole) parseConfig(Buffer.from(code), place);
  });

  test('docs: every kind of driver has a page with its options, and every page has a kind', () => {
    const folder = 'docs/reference/drivers';
    const described = pages.filter((page) => posix.dirname(page) === folder);
    const kinds = DRIVERS.map(({ kind }) => `${folder}/${kind}.md`);
    sameNames(folder, described, kinds);
    const missing = DRIVERS.flatMap(({ kind, options }) => {
      const page = `${folder}/${kind}.md`;
      const keys = tableKeysOf(readFile(page));
      const unnamed = Object.keys(options.shape).filter((key) => !keys.includes(key));
      return unnamed.map((key) => `${page}: no table row for option \`${key}\``);
    });
    none(missing);
  });

  test('docs: pages name error codes that exist', () => {
    const wrong = pages.flatMap((page) =>
      [...readFile(page).matchAll(/\bHOTADD_(?!LAB_)[A-Z]+(?:_[A-Z]+)*\b(?!=)/g)]
        .filter((match) => !Object.hasOwn(ERROR_CODES, match[0]))
        .map((match) => `${page}: ${match[0]} does not exist`),
    );
    none(wrong);
  });
});

describe('docs: pages', () => {
  test('docs: every page has one title', () => {
    none(
      pages.filter((page) => titlesOf(readFile(page)).length !== 1).map((page) => `${page}: not one # title`),
    );
  });

  test('docs: relative links and their anchors resolve', () => {
    none(
      pages.flatMap((page) => relativeLinksOf(readFile(page)).flatMap((target) => brokenLink(page, target))),
    );
  });

  test('docs: links of pages in the package stay in the package', () => {
    const { files } = readJson('package.json') as { files: string[] };
    const packed = (path: string) =>
      ['package.json', 'LICENSE', ...files].some((entry) => path === entry || path.startsWith(`${entry}/`));
    const links = pages.filter(packed).flatMap((page) =>
      relativeLinksOf(readFile(page))
        .map((target) => posix.join(posix.dirname(page), target.split('#', 1)[0] || posix.basename(page)))
        .map((target) => ({ page, target })),
    );
    assert.ok(links.length > 20, 'the links were not found');
    none(
      links
        .filter(({ target }) => !packed(target))
        .map(({ page, target }) => `${page}: ${target} is not packed`),
    );
  });

  test('docs: code in pages is cut from files', () => {
    none(
      pages.flatMap((page) => snippetsOf(readFile(page)).flatMap((snippet) => wrongSnippet(page, snippet))),
    );
  });

  test('docs: a decision has a number, a context, a decision, non-goals and consequences', () => {
    const parts = ['Context', 'Decision', 'Non-goals', 'Consequences'];
    const decisions = pages.filter((page) => page.startsWith('docs/decisions/'));
    assert.ok(decisions.length > 0, 'no decision was found');
    none(
      decisions
        .filter((page) => !/\/\d{4}-[a-z0-9-]+\.md$/.test(page))
        .map((page) => `${page}: NNNN-title.md`),
    );
    const missing = (page: string) => parts.filter((part) => !headingsOf(readFile(page)).includes(part));
    none(decisions.flatMap((page) => missing(page).map((part) => `${page}: has no "## ${part}"`)));
  });
});

function brokenLink(page: string, target: string): string[] {
  const [path = '', anchor] = target.split('#', 2);
  const file = path === '' ? page : posix.join(posix.dirname(page), path);
  if (!isThere(file)) return [`${page}: ${target} leads nowhere`];
  if (anchor === undefined || !file.endsWith('.md') || anchorsOf(readFile(file)).includes(anchor)) return [];
  return [`${page}: ${target}: ${file} has no heading for #${anchor}`];
}

/** TypeScript in a page must be cut from a file; other languages may be. */
function wrongSnippet(
  page: string,
  { line, language, code, from }: ReturnType<typeof snippetsOf>[number],
): string[] {
  const place = `${page}:${line}`;
  if (from === null) {
    return language === 'ts' ? [`${place}: cut it from a file: <!-- from: examples/name.ts#region -->`] : [];
  }
  if (!isThere(from.path)) return [`${place}: ${from.path} does not exist`];
  const expected = regionOf(readFile(from.path), from.region);
  if (expected === null) return [`${place}: ${from.path} has no region ${from.region}`];
  return expected === code ? [] : [`${place}: differs from ${from.path}; it reads\n${expected}`];
}
