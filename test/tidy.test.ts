// Style as a test. The rules for one file are in tidy-rules.ts and the walls in tidy-walls.ts; here they run
// over the repository, and here are the rules that join files: lists, pages, tests and project references.
import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { describe, test } from 'node:test';
import { headingsOf } from './docs-text.ts';
import { isThere, listFiles, listRooms, none, readFile, readJson } from './repository.ts';
import { RULES, roomOf } from './tidy-rules.ts';
import { importsOf } from './tidy-scan.ts';
import { WALLS } from './tidy-walls.ts';

const files = listFiles();
const shipped = files.filter((path) => /^src\/.*\.ts$/.test(path) && !path.endsWith('.test.ts'));

describe('tidy: one file', () => {
  for (const rule of RULES) {
    test(`tidy: ${rule.name}`, () => {
      const found = files.filter(rule.appliesTo).flatMap((path) =>
        rule.check({ path, text: readFile(path) }).map(({ line, problem }) => {
          const place = line === undefined ? path : `${path}:${line}`;
          return `${place}: ${problem}`;
        }),
      );
      none(found);
    });
  }

  test('tidy: the walk sees the repository', () => {
    for (const path of ['src/core/driver.ts', 'scripts/ready.js', 'README.md', '.ci/run', 'bin/hotadd.js']) {
      assert.ok(files.includes(path), `${path} is not among the files looked at`);
    }
  });
});

interface Project {
  readonly files?: readonly string[];
  readonly references?: readonly { readonly path: string }[];
}

function readReferences(path: string): string[] {
  const project = readJson(path) as Project;
  return (project.references ?? []).map((reference) => posix.join(posix.dirname(path), reference.path));
}

describe('tidy: project references are the walls', () => {
  test('tidy: tsconfig.json lists every room that has sources, and only those', () => {
    const rooms = listRooms().map((room) => `src/${room}`);
    assert.deepEqual(readReferences('tsconfig.json').sort(), ['lab', 'src', ...rooms].sort());
  });

  for (const room of Object.keys(WALLS).filter((name) => name === 'index' || listRooms().includes(name))) {
    const project = room === 'index' ? 'src/tsconfig.json' : `src/${room}/tsconfig.json`;
    test(`tidy: ${project} refers to what ${room} imports, within its wall`, () => {
      assert.ok(isThere(project), `${project} is missing; copy that of core and set its references`);
      const references = readReferences(project).map((path) => posix.basename(path));
      const allowed = WALLS[room]?.rooms ?? [];
      none(
        references
          .filter((to) => !allowed.includes(to))
          .map((to) => `${project}: ${room} may not refer to ${to}`),
      );
      const imported = new Set(shipped.filter((path) => roomOf(path) === room).flatMap(importedRooms));
      const unnamed = [...imported].filter((to) => to !== room && !references.includes(to));
      none(unnamed.map((to) => `${project}: add { "path": "../${to}" } to references`));
    });
  }
});

function importedRooms(path: string): string[] {
  const relative = importsOf(readFile(path)).filter((one) => one.specifier.startsWith('.'));
  return relative.map((one) => roomOf(posix.join(posix.dirname(path), one.specifier)));
}

/** A plug-in is one file, one line in list.ts, one test that calls the contract, one page. */
describe('tidy: plug-ins are complete', () => {
  for (const room of ['drivers', 'pools'].filter((name) => isThere(`src/${name}/list.ts`))) {
    const sources = shipped.filter((path) => path.startsWith(`src/${room}/`) && !path.endsWith('/list.ts'));
    const names = sources.map((path) => posix.basename(path, '.ts'));
    const kinds = names.filter((name) => !names.some((other) => name.startsWith(`${other}-`)));
    for (const kind of kinds) {
      test(`tidy: ${room}/${kind} is listed, tested and documented`, () => {
        const list = readFile(`src/${room}/list.ts`);
        const listed =
          importsOf(list).some((one) => one.specifier === `./${kind}.ts`) && list.includes(`'${kind}'`);
        const tested = files.some((path) =>
          new RegExp(`^src/${room}/${kind}(?:-[^/]+)?\\.test\\.ts$`).test(path),
        );
        none([
          ...(listed
            ? []
            : [`src/${room}/list.ts: has no line for '${kind}'; one file is one kind, or <kind>-part.ts`]),
          ...(tested ? [] : [`src/${room}/${kind}.test.ts: is missing; it calls the contract of the room`]),
          ...(isThere(`docs/reference/${room}/${kind}.md`)
            ? []
            : [`docs/reference/${room}/${kind}.md: is missing`]),
        ]);
      });
    }
  }
});

/** An adapter is one file with a factory, a line in index.ts, a test that calls the contract, a section. */
describe('tidy: adapters are complete', () => {
  const room = shipped.filter((path) => /^src\/adapters\/(?!index\.ts$)/.test(path));
  const index = importsOf(readFile('src/adapters/index.ts')).map(({ specifier }) => specifier);
  const page = 'docs/reference/adapters.md';

  test('tidy: every file of adapters is exported, or a part of one that is', () => {
    assert.ok(index.length > 5, 'the adapters were not found');
    const inside = room.flatMap((path) => importsOf(readFile(path))).map(({ specifier }) => specifier);
    const lost = room.filter((path) => ![...index, ...inside].includes(`./${posix.basename(path)}`));
    none(lost.map((path) => `src/adapters/index.ts: has no line for ${posix.basename(path)}`));
  });

  for (const path of room.filter((one) => index.includes(`./${posix.basename(one)}`))) {
    test(`tidy: ${path} is one factory, tested and documented`, () => {
      const factories = [...readFile(path).matchAll(/^export function (\w+)/gm)].map(
        (match) => match[1] ?? '',
      );
      assert.equal(factories.length, 1, `${path} exports ${factories.join(', ') || 'no function'}`);
      const [factory = ''] = factories;
      assert.match(factory, /[a-z](?:Driver|Store)$/, `${factory} does not say what it makes`);
      const suite = path.replace(/\.ts$/, '.test.ts');
      assert.ok(files.includes(suite), `${suite} is missing`);
      const calls = factory.endsWith('Driver') ? [factory, 'checkDriver'] : [factory];
      none(
        calls.filter((name) => !readFile(suite).includes(`${name}(`)).map((name) => `${suite}: no ${name}`),
      );
      const headings = headingsOf(readFile(page));
      none(
        headings.some((one) => one.includes(`\`${factory}\``)) ? [] : [`${page}: no section for ${factory}`],
      );
    });
  }
});
