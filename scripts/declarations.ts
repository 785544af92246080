// What a file of exports exports, with its docstrings, for the reference of the library. Sources are read as
// text: biome has formatted every file, so a declaration begins at the margin and a member two spaces in.
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { exportsOf } from '../test/docs-text.ts';
import { mask } from '../test/tidy-scan.ts';

export interface Doc {
  /** The text, a paragraph each. */
  readonly text: string;
  /** `@param name text`, in order. */
  readonly params: readonly { readonly name: string; readonly text: string }[];
  readonly returns: string | null;
  readonly throws: string | null;
}

export interface Member {
  readonly name: string;
  /** As it is written, without its body: `register(driver: Driver): Registration`. */
  readonly signature: string;
  /** `null`: it has no docstring. */
  readonly doc: Doc | null;
}

export interface Declaration extends Member {
  readonly kind: 'interface' | 'class' | 'function' | 'const' | 'type';
  readonly path: string;
  /** Those of an interface, of a class, of a type that is an object; what is `@internal` is left out. */
  readonly members: readonly Member[];
}

/** Exports under one heading: a comment `// ---- Heading ----` in the file of exports. */
export interface Group {
  readonly heading: string;
  readonly exports: readonly Declaration[];
}

/** @param face the file of exports, from the root. @param read the text of a file of the repository. */
export function readGroups(face: string, read: (path: string) => string): Group[] {
  const parts = read(face).split(/^\/\/ ---- (.+) ----$/m);
  const groups: Group[] = [];
  for (let at = 1; at < parts.length; at += 2) {
    const exports = exportsOf(parts[at + 1] ?? '').map(({ name, from }) =>
      find(name, posix.join(posix.dirname(face), from), read),
    );
    groups.push({ heading: parts[at] ?? '', exports });
  }
  return groups;
}

/** Reads files of the repository. */
export function readerAt(root: string): (path: string) => string {
  return (path) => readFileSync(posix.join(root, path), 'utf8');
}

function find(name: string, path: string, read: (path: string) => string): Declaration {
  const text = read(path);
  const again = exportsOf(text).find((one) => one.name === name);
  if (again !== undefined) return find(name, posix.join(posix.dirname(path), again.from), read);
  const head = new RegExp(`^export (?:async )?(interface|class|function|const|type) ${name}\\b`, 'm').exec(
    text,
  );
  if (head === null) throw new Error(`${path} does not declare ${name}`);
  const kind = head[1] as Declaration['kind'];
  const whole = text.slice(head.index, endOf(text, head.index, kind));
  return {
    name,
    kind,
    path,
    ...ownOf(whole, kind),
    doc: docBefore(text, head.index),
    members: membersOf(whole, kind),
  };
}

/** Up to the closing bracket at the margin, or the semicolon of what has none. */
function endOf(text: string, from: number, kind: Declaration['kind']): number {
  const code = mask(text);
  if (kind !== 'type' && kind !== 'const') return code.indexOf('\n}', from) + 2;
  return closing(code, from, /[;]/) + 1;
}

/** Where one of these is, outside of all brackets. */
function closing(code: string, from: number, wanted: RegExp): number {
  let depth = 0;
  for (let at = from; at < code.length; at += 1) {
    const letter = code[at] ?? '';
    if (depth === 0 && wanted.test(letter)) return at;
    if ('([{'.includes(letter)) depth += 1;
    if (')]}'.includes(letter)) depth -= 1;
  }
  return code.length;
}

function ownOf(whole: string, kind: Declaration['kind']): { signature: string } {
  const text = whole.replace(/^export (?:async )?/, '');
  if (kind === 'function') return { signature: oneLine(text.slice('function '.length, bodyOf(text))) };
  if (kind === 'type') return { signature: oneLine(withoutComments(text)).replace(/;$/, '') };
  const first = text.split('\n', 1)[0] ?? '';
  return { signature: oneLine(first.replace(/\s*(?:\{|= .*)$/, '')) };
}

/** Where a member or function ends that matters to its reader: at its semicolon, value or body. */
function bodyOf(text: string): number {
  const code = mask(text);
  const head = /^[^(:;=]*\(/.exec(code)?.[0].length;
  if (head === undefined) return Math.min(closing(code, 0, /;/), / = /.exec(code)?.index ?? code.length);
  const after = closing(code, head, /\)/) + 1;
  return after + (/(?: \{$|;)/m.exec(code.slice(after))?.index ?? code.length);
}

function membersOf(whole: string, kind: Declaration['kind']): Member[] {
  if (kind === 'function' || (kind === 'type' && !/= \{$/m.test(whole.split('\n', 1)[0] ?? ''))) return [];
  if (kind === 'const') return [];
  const code = mask(whole);
  const members: Member[] = [];
  for (const match of code.matchAll(
    /^ {2}(?:(?:override|readonly|async|get|static) )*(\w+)\??(?=[(<:]| =)/gm,
  )) {
    const name = match[1] ?? '';
    const doc = docBefore(whole, match.index);
    const rest = whole.slice(match.index);
    const isInside = /^ {2}(?:private|override|static|if|for|return)\b/.test(match[0]);
    if (isInside || isInternal(whole, match.index)) continue;
    const written = oneLine(withoutComments(rest.slice(0, bodyOf(rest))));
    const signature = written
      .replace(/^get (\w+)\(\)/, '$1')
      .replace(/^(?:(?:override|readonly|async) )+/, '');
    members.push({ name, signature, doc });
  }
  return members;
}

function isInternal(text: string, at: number): boolean {
  return commentBefore(text, at)?.includes('@internal') ?? false;
}

function commentBefore(text: string, at: number): string | null {
  return /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/.exec(text.slice(0, at))?.[1] ?? null;
}

function docBefore(text: string, at: number): Doc | null {
  const comment = commentBefore(text, at);
  if (comment === null) return null;
  const plain = comment.replace(/^\s*\* ?/gm, '').trim();
  const [first = '', ...tags] = plain.split(/(?:^|\s)(?=@(?:param|returns|throws)\b)/);
  const of = (tag: string) =>
    tags.filter((each) => each.startsWith(`@${tag}`)).map((each) => each.slice(tag.length + 1));
  const params = of('param').map((each) => /^\s*([\w.]+)\s+([\s\S]*)$/.exec(each));
  return {
    text: said(first),
    params: params.flatMap((match) =>
      match === null ? [] : [{ name: match[1] ?? '', text: said(match[2] ?? '') }],
    ),
    returns: of('returns').map(said)[0] ?? null,
    throws: of('throws').map(said)[0] ?? null,
  };
}

/** One paragraph on a line; the rules of the design that a sentence rests on are for those who change it. */
function said(text: string): string {
  const paragraphs = text.split(/\n\s*\n/).map(oneLine);
  return paragraphs.join('\n\n').replace(/ \([A-Z]\d+(?:, [A-Z]\d+)*\)/g, '');
}

function withoutComments(text: string): string {
  return text.replace(/\/\*\*?[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}

function oneLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/([([]) /g, '$1')
    .replace(/,? ([)\]])/g, '$1')
    .replace(/ = \| /, ' = ')
    .trim();
}
