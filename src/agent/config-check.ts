// What is wrong with a configuration, in sentences: where it stands, what it must be, and what to write.
// Values are never repeated in a message: one of them may be a secret in the wrong place (E7).
import type { z } from 'zod';
import type { DriverKind } from '../drivers/list.ts';
import { configSchema, driverKeys } from './config-schema.ts';
import type { ConfigProblem, ConfigText, Path } from './config-text.ts';
import { formatPath } from './config-text.ts';
import { nearestWord } from './nearest-word.ts';

type Issue = z.core.$ZodIssue;
const SECRET = /pass(word|wd|phrase)?$|secret|token|credential/i;

/**
 * Whoever has more to mend has the wrong file; a megabyte of wrong keys must not take minutes to describe.
 */
const TOLD_AT_MOST = 50;

/** What to write for the settings that every configuration may have. */
const MENDS: Record<string, string> = {
  version: 'write version: 1',
  apply: 'write it without quotes, and not yes or no',
  name: 'use letters, digits, dots, dashes and underscores, at most 64, such as redis-main',
  weight: 'write a number such as 2',
  drivers: 'write a list: each driver begins with "- name:"',
};

export function problemsOf(
  text: ConfigText,
  issues: readonly Issue[],
  kinds: readonly DriverKind[],
): ConfigProblem[] {
  const byKey = new Map<string, ConfigProblem>();
  const told = issues.slice(0, TOLD_AT_MOST).flatMap((issue) => describe(text, issue, kinds));
  for (const each of told) {
    // The schema of a driver is asked twice, alone and within its entry: one answer is enough.
    if (!byKey.has(each.key)) byKey.set(each.key, each);
  }
  return [...byKey.values()].sort((one, other) => one.line - other.line || one.column - other.column);
}

function describe(text: ConfigText, issue: Issue, kinds: readonly DriverKind[]): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, TOLD_AT_MOST).map((key) => unknownKey(text, [...issue.path, key], kinds));
  }
  const { path } = issue;
  const given = valueAt(text.value, path);
  const place = given === undefined ? text.placeOfKey(path) : text.placeOf(path);
  const [problem, mend] = wordsFor(text, issue, given, kinds);
  return [{ ...place, key: formatPath(path), problem, mend }];
}

function wordsFor(
  text: ConfigText,
  issue: Issue,
  given: unknown,
  kinds: readonly DriverKind[],
): [problem: string, mend: string] {
  const key = String(issue.path.at(-1) ?? '');
  const mend = isCommon(issue.path) ? MENDS[key] : undefined;
  if (issue.path.length === 0)
    return [
      'must be settings',
      'write "key: value" lines, with a space after the colon; the first is version: 1',
    ];
  if (issue.code === 'custom') {
    const said: unknown = issue.params?.mend;
    return [issue.message, typeof said === 'string' ? said : (mend ?? 'see the reference of this driver')];
  }
  if (issue.code === 'invalid_union') return driverKind(given, kinds);
  if (given === undefined) return ['is missing', mend ?? `add ${key}: ${meaningOf(text, issue.path, kinds)}`];
  if (given === null) return ['has no value', mend ?? `write one after ${key}:, or remove the line`];
  switch (issue.code) {
    case 'invalid_type':
      return typeWords(issue.expected, mend);
    case 'invalid_value': {
      const words = issue.values.map(String);
      const meant = typeof given === 'string' ? nearestWord(given, words) : null;
      const choice = words.length > 1 ? `must be one of ${words.join(', ')}` : `must be ${words[0]}`;
      return [choice, mend ?? (meant ? `did you mean ${meant}?` : 'choose one of them')];
    }
    case 'too_small':
      return [`must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`, mend ?? 'raise it'];
    case 'too_big':
      return [`must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`, mend ?? 'lower it'];
    case 'invalid_format':
      if (mend) return ['is not a name', mend];
      return ['has the wrong form', issue.message];
    default:
      return [issue.message, mend ?? 'see the reference of this driver'];
  }
}

function typeWords(expected: string, mend: string | undefined): [string, string] {
  const words: Record<string, [string, string]> = {
    string: ['must be text', 'put it in quotes if it looks like a number'],
    number: ['must be a number', 'write digits without quotes'],
    int: ['must be a whole number', 'write digits without quotes'],
    boolean: ['must be true or false', 'write it without quotes, and not yes or no'],
    array: ['must be a list', 'begin each item with "- "'],
    object: ['must be settings', 'write "key: value" lines below it, indented'],
  };
  const [problem, usual] = words[expected] ?? [`must be ${expected}`, 'see the reference'];
  return [problem, mend ?? usual];
}

/** An entry of which nobody knows what to check, because its kind is not known. */
function driverKind(given: unknown, kinds: readonly DriverKind[]): [problem: string, mend: string] {
  const known = kinds.map((each) => each.kind);
  if (given === undefined) return ['is missing', `write driver: and one of ${known.join(', ')}`];
  const meant = typeof given === 'string' ? nearestWord(given, known) : null;
  return ['is not a kind of driver', meant ? `did you mean ${meant}?` : `write one of ${known.join(', ')}`];
}

function unknownKey(text: ConfigText, path: Path, kinds: readonly DriverKind[]): ConfigProblem {
  const key = String(path.at(-1));
  const known = keysBeside(text, path, kinds);
  const place = { ...text.placeOfKey(path), key: formatPath(path) };
  if (SECRET.test(key) && known.includes('passwordFile')) {
    const mend = 'put it into a file that only its owner may read, and write passwordFile: and its path';
    return { ...place, problem: 'secrets are not written here', mend };
  }
  const meant = nearestWord(key, known);
  const mend = meant
    ? `did you mean ${meant}?`
    : path.length > 1
      ? 'remove it: this kind of driver has no such setting'
      : `remove it, or use one of ${known.join(', ')}`;
  return { ...place, problem: 'is not a known setting', mend };
}

/** The settings that exist where this one was written. */
function keysBeside(text: ConfigText, path: Path, kinds: readonly DriverKind[]): string[] {
  if (path.length === 1) return Object.keys(configSchema(kinds).shape);
  const own = Object.keys(shapeAround(text, path, kinds));
  return path.length === 3 ? [...Object.keys(driverKeys), 'driver', ...own] : own;
}

function meaningOf(text: ConfigText, path: Path, kinds: readonly DriverKind[]): string {
  return shapeAround(text, path, kinds)[String(path.at(-1))]?.description ?? '';
}

interface Described {
  readonly description?: string | undefined;
  readonly shape?: Record<string, Described>;
  unwrap?(): unknown;
}

/** The options of a kind that stand beside `drivers[0].option`, or one level deeper. */
function shapeAround(text: ConfigText, path: Path, kinds: readonly DriverKind[]): Record<string, Described> {
  const [top, index, ...inner] = path;
  const kind = kinds.find((each) => each.kind === valueAt(text.value, ['drivers', index ?? '', 'driver']));
  let around: Described | undefined =
    top === 'drivers' ? (kind?.options as Described | undefined) : undefined;
  for (const part of inner.slice(0, -1)) {
    around = around?.shape?.[String(part)];
    while (around && !around.shape && around.unwrap) around = around.unwrap() as Described;
  }
  return around?.shape ?? {};
}

function isCommon(path: Path): boolean {
  if (path.length === 1) return true;
  return path.length === 3 && path[0] === 'drivers' && String(path[2]) in driverKeys;
}

export function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<PropertyKey, unknown>)[part];
  }
  return found;
}

/** An address that carries its password is a secret in a file that many may read. */
export function findSecrets(text: ConfigText): ConfigProblem[] {
  const found: ConfigProblem[] = [];
  const look = (value: unknown, path: Path): void => {
    if (typeof value === 'string' && /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]*:[^@?#\s]*@/i.test(value)) {
      found.push({
        ...text.placeOf(path),
        key: formatPath(path),
        problem: 'holds a password',
        mend: 'put it into a file that only its owner may read, and name that with passwordFile',
      });
    }
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value))
      look(inner, [...path, Array.isArray(value) ? Number(key) : key]);
  };
  look(text.value, []);
  return found;
}
