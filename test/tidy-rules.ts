// The rules of style that a text can be held to, one entry each. A rule looks at one file and says what is
// wrong and what to write instead. tidy.test.ts runs them all; tidy-rules.test.ts shows each one catching a
// bad sample.
import { posix } from 'node:path';
import { functionsOf, type Import, importsOf, lineOf, mask } from './tidy-scan.ts';
import { WALLS, type Wall } from './tidy-walls.ts';

export interface Source {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Rule {
  readonly name: string;
  readonly appliesTo: (path: string) => boolean;
  /** Sentences without the path; a line number where there is one. */
  readonly check: (source: Source) => Problem[];
}

export interface Problem {
  readonly line?: number;
  readonly problem: string;
}

const LINE_MAX = 110;
const FUNCTION_MAX = 60;
const isCode = (path: string) => /\.(?:ts|js)$/.test(path);
const isTest = (path: string) =>
  path.endsWith('.test.ts') || path.startsWith('test/') || path.startsWith('lab/scenarios/');
const isTypeScript = (path: string) => path.endsWith('.ts');
const isRoom = (path: string) =>
  (path.startsWith('src/') || (path.startsWith('lab/') && isTypeScript(path))) &&
  isCode(path) &&
  !isTest(path);

/** A driver is small by contract; a test file is a table and may be longer. */
export function fileLimit(path: string): number {
  if (isTest(path)) return 400;
  return path.startsWith('src/drivers/') ? 200 : 300;
}

/** The room of a file: `src/core/plan.ts` is in `core`, `src/index.ts` in `index`, `lab/vm.ts` in `lab`. */
export function roomOf(path: string): string {
  if (path.startsWith('lab/')) return 'lab';
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? 'index';
}

/** Words are split so that this file passes its own rules. */
const split = (...parts: string[]) => parts.join('');
const UNFINISHED = new RegExp(`\\b(?:${['TO-DO', 'FIX-ME', 'XX-X'].join('|').replaceAll('-', '')})\\b`);
const FOREIGN: readonly [RegExp, string][] = [
  [
    new RegExp(`(?<![\\w.-])${split('/wo', 'rk/')}`),
    'a path of one machine; write it from the root of the repository',
  ],
  [
    new RegExp(split('registry\\.', '(?:npmjs|yarnpkg|npmmirror)')),
    'the host of a registry; name the package',
  ],
  [new RegExp(split('helper', ' session'), 'i'), 'a word about how this was made; say what the system does'],
  [/\bissue #\d+/i, 'an issue number; say the reason itself'],
];
const NAMES = /(?:^|[-.])(?:utils?|helpers?|common|misc|managers?|services?|base)(?=[-.]|$)/;
const ERASED: readonly [RegExp, string][] = [
  [
    /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w/m,
    'an enum; write a union of strings or `as const`',
  ],
  [
    /\(\s*(?:(?:public|private|protected|readonly)\s+)+\w+\??\s*:/,
    'a parameter property; write the field out',
  ],
  [/^\s*(?:export\s+)?namespace\s+\w/m, 'a namespace; a file is one already'],
];
/** A local value may be called `process`; the global is known by its dot. */
const IMPURE = new RegExp(
  '(?<![.\\w$])(?:(?:process|console|performance|crypto)(?=\\s*[.[])|' +
    '(?:Date|setTimeout|setInterval|setImmediate|queueMicrotask|fetch)\\b(?!\\s*\\??:))|\\bMath\\.random\\b',
  'g',
);
const PURE_INSTEAD: Readonly<Record<string, string>> = {
  Date: 'clock.wallMs()',
  setTimeout: 'clock.after()',
  setInterval: 'clock.after()',
  setImmediate: 'clock.after(0)',
  queueMicrotask: 'clock.after(0)',
  performance: 'clock.monotonicMs()',
};

/** One problem at the first match of each pattern. */
function firstMatches(text: string, patterns: readonly [RegExp, string][]): Problem[] {
  return patterns.flatMap(([pattern, problem]) => {
    const match = pattern.exec(text);
    return match ? [{ line: lineOf(text, match.index), problem }] : [];
  });
}

export const RULES: readonly Rule[] = [
  {
    name: 'lines are short',
    appliesTo: isCode,
    check: ({ text }) =>
      text.split('\n').flatMap((line, index) => {
        if (line.length <= LINE_MAX) return [];
        return [{ line: index + 1, problem: `${line.length} columns, ${LINE_MAX} at most; split it` }];
      }),
  },
  {
    name: 'functions are short',
    appliesTo: isCode,
    check: ({ path, text }) =>
      functionsOf(mask(text)).flatMap(({ head, line, length }) => {
        if (length <= FUNCTION_MAX || (isTest(path) && /^(?:describe|suite)\b/.test(head))) return [];
        return [{ line, problem: `${length} lines, ${FUNCTION_MAX} at most; it holds two ideas` }];
      }),
  },
  {
    name: 'files are short',
    appliesTo: isCode,
    check: ({ path, text }) => {
      const lines = text.trimEnd().split('\n').length;
      if (lines <= fileLimit(path)) return [];
      return [{ problem: `${lines} lines, ${fileLimit(path)} at most; give the second idea a file` }];
    },
  },
  {
    name: 'files open with a comment',
    appliesTo: isCode,
    check: ({ text }) => {
      const first = text.split('\n').find((line) => !line.startsWith('#!'));
      return first?.startsWith('//')
        ? []
        : [{ line: 1, problem: 'open with `//`: what it is, when to read it' }];
    },
  },
  {
    name: 'names say what is inside',
    appliesTo: isCode,
    check: ({ path }) => {
      const name = posix.basename(path);
      if (!/^[a-z0-9.-]+$/.test(name)) return [{ problem: 'a file name is kebab-case' }];
      return NAMES.test(name) ? [{ problem: 'name the one idea of the file, not a drawer' }] : [];
    },
  },
  {
    name: 'nothing is left unfinished',
    appliesTo: () => true,
    check: ({ text }) => firstMatches(text, [[UNFINISHED, 'finish it, or write the limit down as a fact']]),
  },
  {
    name: 'the repository speaks of hotadd alone',
    appliesTo: () => true,
    check: ({ text }) => firstMatches(text, FOREIGN),
  },
  {
    name: 'types can be erased',
    appliesTo: isTypeScript,
    check: ({ text }) => firstMatches(mask(text), ERASED),
  },
  {
    name: 'relative imports end in .ts',
    appliesTo: isTypeScript,
    check: ({ text }) =>
      importsOf(text).flatMap(({ specifier, line }) => {
        if (!specifier.startsWith('.') || /\.(?:ts|json)$/.test(specifier)) return [];
        return [{ line, problem: `'${specifier}': write the file's own name, with .ts` }];
      }),
  },
  {
    name: 'core is pure',
    appliesTo: (path) => path.startsWith('src/core/') && isRoom(path),
    check: ({ text }) =>
      [...mask(text).matchAll(IMPURE)].map((match) => {
        const instead = PURE_INSTEAD[match[0]] ?? 'what the caller passes in';
        return { line: lineOf(text, match.index), problem: `${match[0]} in core; use ${instead}` };
      }),
  },
  {
    name: 'rooms keep their walls',
    appliesTo: isRoom,
    check: ({ path, text }) => {
      const own = WALLS[roomOf(path)];
      if (!own) return [{ problem: `room ${roomOf(path)} is not in the wall table (test/tidy-walls.ts)` }];
      return importsOf(text).flatMap((one) => {
        const broken = brokenWall(path, one, own);
        return broken === null ? [] : [{ line: one.line, problem: `${broken}; ${own.mend}` }];
      });
    },
  },
];

function brokenWall(path: string, one: Import, own: Wall): string | null {
  const { specifier } = one;
  if (specifier.startsWith('.')) return brokenRoom(path, one, own);
  if (specifier.startsWith('node:')) {
    const module = specifier.slice('node:'.length);
    const forbidden = own.neverNode === 'all' || own.neverNode.includes(module);
    return forbidden && !one.isType ? `'${specifier}' in ${roomOf(path)}` : null;
  }
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (own.packages.includes(name)) return null;
  if (!own.lazy.includes(name)) return `package '${name}' in ${roomOf(path)}`;
  return one.isLazy || one.isType ? null : `package '${name}' is optional: load it with await import()`;
}

function brokenRoom(path: string, { specifier, isType }: Import, own: Wall): string | null {
  const from = roomOf(path);
  const target = posix.join(posix.dirname(path), specifier);
  const top = from === 'lab' ? 'lab' : 'src';
  if (!target.startsWith(`${top}/`)) return `'${specifier}' leaves ${top}`;
  if (isTest(target)) return `'${specifier}' is a test`;
  const room = roomOf(target);
  if (room === from) return from === 'drivers' ? brokenDriver(path, target) : null;
  if (!own.rooms.includes(room)) return `${from} imports ${room}`;
  if (from === 'console' && !isType) return 'the console imports types only';
  const only = own.only?.[room];
  if (!only || only.includes(posix.basename(target))) return null;
  return `${from} may know only ${only.join(', ')} of ${room}`;
}

/** A driver `redis.ts` may have parts `redis-*.ts`; drivers do not know each other, and list.ts knows all. */
function brokenDriver(path: string, target: string): string | null {
  const family = (file: string) => posix.basename(file, '.ts').split('-')[0];
  const from = posix.basename(path);
  if (from === 'list.ts' || family(path) === family(target)) return null;
  return `driver ${from} imports ${posix.basename(target)}, of another driver`;
}
