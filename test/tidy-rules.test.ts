// The rules of tidy have tests: a rule that catches nothing is a defect. Each sample breaks one rule and no
// other.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RULES } from './tidy-rules.ts';
import { functionsOf, importsOf, mask } from './tidy-scan.ts';

const OPENING = '// A sample.\n';
const LONG_BODY = '  call();\n'.repeat(60);

/** What all rules say about a text, as `rule: problem`. */
function tidy(path: string, text: string): string[] {
  return RULES.filter((rule) => rule.appliesTo(path)).flatMap((rule) =>
    rule.check({ path, text }).map(({ problem }) => `${rule.name}: ${problem}`),
  );
}

const BAD: readonly [rule: string, path: string, text: string, says: RegExp][] = [
  ['lines are short', 'src/core/a.ts', `${OPENING}const a = '${'x'.repeat(110)}';\n`, /split it/],
  ['functions are short', 'src/core/a.ts', `${OPENING}function f() {\n${LONG_BODY}}\n`, /62 lines/],
  [
    'functions are short',
    'test/a.test.ts',
    `${OPENING}test('x', async () => {\n${LONG_BODY}});\n`,
    /62 lines/,
  ],
  ['files are short', 'src/core/a.ts', `${OPENING}${'call();\n'.repeat(300)}`, /301 lines, 300/],
  ['files are short', 'src/drivers/a.ts', `${OPENING}${'call();\n'.repeat(200)}`, /201 lines, 200/],
  ['files open with a comment', 'src/core/a.ts', 'export const a = 1;\n', /open with/],
  ['names say what is inside', 'src/core/redis-utils.ts', OPENING, /not a drawer/],
  ['names say what is inside', 'src/core/base.ts', OPENING, /not a drawer/],
  ['names say what is inside', 'src/core/redisOptions.ts', OPENING, /kebab-case/],
  ['nothing is left unfinished', 'docs/a.md', `${['TO', 'DO'].join('')}: later\n`, /finish it/],
  [
    'the repository speaks of hotadd alone',
    'docs/a.md',
    `see ${['/wo', 'rk/'].join('')}main\n`,
    /one machine/,
  ],
  [
    'the repository speaks of hotadd alone',
    'a.md',
    `${['registry', 'npmjs', 'org'].join('.')}\n`,
    /registry/,
  ],
  ['types can be erased', 'src/core/a.ts', `${OPENING}export enum Color {\n  Red,\n}\n`, /union/],
  ['types can be erased', 'src/core/a.ts', `${OPENING}constructor(private readonly a: string) {}\n`, /field/],
  ['relative imports end in .ts', 'src/core/a.ts', `${OPENING}import { b } from './b.js';\n`, /\.ts/],
  ['relative imports end in .ts', 'src/core/a.ts', `${OPENING}const b = await import('./b');\n`, /\.ts/],
  ['core is pure', 'src/core/a.ts', `${OPENING}const now = new Date();\n`, /clock\.wallMs/],
  ['core is pure', 'src/core/a.ts', `${OPENING}setTimeout(() => go(), 5);\n`, /clock\.after/],
  ['core is pure', 'src/core/a.ts', `${OPENING}const text = \`at \${Date.now()}\`;\n`, /clock\.wallMs/],
  ['core is pure', 'src/core/a.ts', `${OPENING}const home = process.env;\n`, /passes in/],
  ['core is pure', 'src/core/a.ts', `${OPENING}const chance = Math.random();\n`, /passes in/],
  [
    'rooms keep their walls',
    'src/core/a.ts',
    `${OPENING}import { join } from 'node:path';\n`,
    /core is pure/,
  ],
  [
    'rooms keep their walls',
    'src/sense/a.ts',
    `${OPENING}import { x } from 'node:fs';\n`,
    /handed a Machine/,
  ],
  [
    'rooms keep their walls',
    'src/sense/a.ts',
    `${OPENING}import { x } from '../host/files.ts';\n`,
    /sense imports/,
  ],
  [
    'rooms keep their walls',
    'src/agent/a.ts',
    `${OPENING}import { x } from '../cli/main.ts';\n`,
    /agent imports/,
  ],
  [
    'rooms keep their walls',
    'src/agent/a.ts',
    `${OPENING}import { x } from '../drivers/redis.ts';\n`,
    /list\.ts/,
  ],
  [
    'rooms keep their walls',
    'src/drivers/a.ts',
    `${OPENING}import { x } from './redis.ts';\n`,
    /another driver/,
  ],
  ['rooms keep their walls', 'src/drivers/a.ts', `${OPENING}import { x } from 'redis';\n`, /await import/],
  ['rooms keep their walls', 'src/core/a.ts', `${OPENING}export { x } from 'zod';\n`, /package 'zod'/],
  ['rooms keep their walls', 'src/core/a.ts', `${OPENING}import { x } from './b.test.ts';\n`, /is a test/],
  [
    'rooms keep their walls',
    'src/console/a.ts',
    `${OPENING}import { x } from '../core/bytes.ts';\n`,
    /types only/,
  ],
  ['rooms keep their walls', 'src/attic/a.ts', OPENING, /not in the wall table/],
];

const GOOD: readonly [what: string, path: string, text: string][] = [
  ['a word in a comment', 'src/core/a.ts', '// process and console, Date and setTimeout are banned here.\n'],
  ['a word in a string', 'src/core/a.ts', `${OPENING}const text = 'no Date, no process';\n`],
  ['a local value of that name', 'src/core/a.ts', `${OPENING}for (const process of all) use(process);\n`],
  ['a property of that name', 'src/core/a.ts', `${OPENING}const a = { process: 1 }.process;\n`],
  ['a suite as long as its tests', 'test/a.test.ts', `${OPENING}describe('x', () => {\n${LONG_BODY}});\n`],
  ['a lazy optional package', 'src/drivers/a.ts', `${OPENING}const r = await import('redis');\n`],
  ['a part of the same driver', 'src/drivers/redis.ts', `${OPENING}import { x } from './redis-cost.ts';\n`],
  ['a type from Node', 'src/sense/a.ts', `${OPENING}import type { Stats } from 'node:fs';\n`],
  ['a test of any room', 'src/core/a.test.ts', `${OPENING}import { x } from '../testing/index.ts';\n`],
];

for (const [rule, path, text, says] of BAD) {
  test(`tidy: "${rule}" catches ${JSON.stringify(text.replace(OPENING, '').slice(0, 40))} in ${path}`, () => {
    const said = tidy(path, text);
    assert.equal(said.length, 1, said.join('\n'));
    assert.match(said[0] ?? '', says);
    assert.ok(said[0]?.startsWith(`${rule}: `), said[0]);
  });
}

for (const [what, path, text] of GOOD) {
  test(`tidy: lets pass ${what}`, () => assert.deepEqual(tidy(path, text), []));
}

test('tidy: every rule has a sample that it catches', () => {
  const caught = new Set(BAD.map(([rule]) => rule));
  assert.deepEqual(
    RULES.map((rule) => rule.name).filter((name) => !caught.has(name)),
    [],
  );
});

describe('tidy-scan', () => {
  test('mask: blanks comments, strings, regexes and templates, and keeps the code inside templates', () => {
    const text = `a("x{", /[/"]{/g, \`b{\${c({ d: \`}\` })}e{\`) / 2; // f{\n/* g{ */ h`;
    const code = mask(text);
    assert.equal(code.length, text.length);
    assert.equal(code.replace(/\s+/g, ''), 'a("",g,`{c({d:``})}`)/2;h');
  });

  test('importsOf: finds static, dynamic, side-effect and type imports with their lines', () => {
    const text =
      "import type { A } from 'a';\nimport {\n  b,\n} from 'b';\nimport 'c';\nconst d = await import('d');\n";
    const found = importsOf(text).map(({ specifier, line, isType, isLazy }) => [
      specifier,
      line,
      isType,
      isLazy,
    ]);
    assert.deepEqual(found, [
      ['a', 1, true, false],
      ['b', 2, false, false],
      ['c', 5, false, false],
      ['d', 6, false, true],
    ]);
  });

  test('functionsOf: measures functions, methods and arrows; not branches', () => {
    const text = [
      'export async function one(',
      '  a: string,',
      '): Promise<void> {',
      '  if (a) {',
      '    call();',
      '  } else {',
      '    call();',
      '  }',
      '}',
      'class Two {',
      '  method(a: string): { b: string } {',
      '    return { b: a };',
      '  }',
      '}',
      'const three = list.map((x) => {',
      '  return x;',
      '});',
    ].join('\n');
    assert.deepEqual(
      functionsOf(text).map(({ line, length }) => [line, length]),
      [
        [1, 9],
        [11, 3],
        [15, 3],
      ],
    );
  });
});
