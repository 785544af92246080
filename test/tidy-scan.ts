// Reads source as text, for the rules of tidy: no compiler is needed, because biome has formatted every file.
// `mask` blanks what is not code, so that a word in a comment or a string is never taken for a call.

/**
 * The same text, same length and lines, with spaces for comments and for the insides of strings and regexes.
 */
export function mask(text: string): string {
  const out = text.split('');
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  while (at < text.length) {
    const end = endOfText(text, at, templates.at(-1) === depth && text[at] === '}');
    if (end === null) {
      if (text[at] === '{') depth += 1;
      if (text[at] === '}') depth -= 1;
      at += 1;
      continue;
    }
    const opensHole = text.startsWith('${', end - 2) && (text[at] === '`' || text[at] === '}');
    if (text[at] === '}') {
      templates.pop();
      depth -= 1;
    }
    if (opensHole) {
      depth += 1;
      templates.push(depth);
    }
    const keepsEnds = text[at] !== '/';
    for (let i = keepsEnds ? at + 1 : at; i < (keepsEnds ? end - 1 : end); i += 1) {
      if (text[i] !== '\n') out[i] = ' ';
    }
    at = end;
  }
  return out.join('');
}

/** The end of the comment, string, template part or regex that begins at `at`; null when it is code. */
function endOfText(text: string, at: number, isTemplateTail: boolean): number | null {
  const first = text[at];
  if (first === '`' || isTemplateTail) return endOfTemplate(text, at);
  if (first === "'" || first === '"') return endOfString(text, at, first);
  if (first !== '/') return null;
  if (text[at + 1] === '/') return endAfter(text, '\n', at, 0);
  if (text[at + 1] === '*') return endAfter(text, '*/', at + 2, 2);
  return isRegexAt(text, at) ? endOfRegex(text, at) : null;
}

function endAfter(text: string, end: string, from: number, length: number): number {
  const found = text.indexOf(end, from);
  return found < 0 ? text.length : found + length;
}

function endOfString(text: string, at: number, quote: string): number {
  let i = at + 1;
  while (i < text.length && text[i] !== quote && text[i] !== '\n') i += text[i] === '\\' ? 2 : 1;
  return Math.min(i + 1, text.length);
}

function endOfTemplate(text: string, at: number): number {
  let i = at + 1;
  while (i < text.length && text[i] !== '`' && !text.startsWith('${', i)) i += text[i] === '\\' ? 2 : 1;
  return Math.min(text[i] === '`' ? i + 1 : i + 2, text.length);
}

function endOfRegex(text: string, at: number): number {
  let inClass = false;
  let i = at + 1;
  for (; i < text.length && text[i] !== '\n'; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '[') inClass = true;
    else if (text[i] === ']') inClass = false;
    else if (text[i] === '/' && !inClass) break;
  }
  return Math.min(i + 1, text.length);
}

/** A slash after a value divides; after anything else it opens a regex. */
function isRegexAt(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 200), at).trimEnd();
  if (/\b(?:return|typeof|case|in|of|yield|await|void)$/.test(before)) return true;
  return !/[\w$)\]}'"`]$/.test(before);
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** `import type`, or a type such as `typeof import('x')`: gone at run time. */
  readonly isType: boolean;
  /** `await import('x')`: loaded only when needed. */
  readonly isLazy: boolean;
}

const IMPORTS = [
  /\b(?:import|export)\b[^;'"()]*?\bfrom\s*['"]/g,
  /\bimport\s*['"]/g,
  /(?:\btypeof\s+|\bawait\s+)?\bimport\s*\(\s*['"]/g,
];

/** Every module that a file names, static and dynamic. */
export function importsOf(text: string, code: string = mask(text)): Import[] {
  const found: Import[] = [];
  for (const [index, pattern] of IMPORTS.entries()) {
    for (const match of code.matchAll(pattern)) {
      const open = match.index + match[0].length - 1;
      const close = text.indexOf(text.charAt(open), open + 1);
      const isType = /^(?:(?:import|export)\s+type\b|typeof\b)/.test(match[0]);
      const line = lineOf(text, match.index);
      found.push({ specifier: text.slice(open + 1, close), line, isType, isLazy: index === 2 && !isType });
    }
  }
  return found;
}

export function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

export interface FunctionSpan {
  readonly head: string;
  readonly line: number;
  readonly length: number;
}

const NO_FUNCTION =
  /^(?:\}|if|for|while|switch|do|try|else|catch|finally|class|interface|type|declare|with)\b/;
const BODY = /(?:=>|\)(?::\s.*)?)\s*\{$/;

/**
 * Functions by indentation, which the formatter guarantees: a body opens on a line that ends in `=> {`, `) {`
 * or `): Type {`, and ends on the first `}` at the same indent. The length counts both ends.
 */
export function functionsOf(code: string): FunctionSpan[] {
  const lines = code.split('\n');
  const found: FunctionSpan[] = [];
  for (const [index, line] of lines.entries()) {
    if (!BODY.test(line.trimEnd())) continue;
    const indent = indentOf(line);
    let start = index;
    while (start > 0 && /^[)}]/.test((lines[start] ?? '').trimStart())) {
      do start -= 1;
      while (start > 0 && (indentOf(lines[start] ?? '') > indent || lines[start]?.trim() === ''));
    }
    const head = (lines[start] ?? '').trim();
    if (NO_FUNCTION.test(head)) continue;
    const closes = (other: string) => indentOf(other) === indent && other.trimStart().startsWith('}');
    const end = lines.findIndex((other, at) => at > index && closes(other));
    if (end > 0) found.push({ head, line: start + 1, length: end - start + 1 });
  }
  return found;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
