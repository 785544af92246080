// From the bytes of hotadd.yaml to plain values, with the place of every key and value. What YAML allows and
// a configuration has no use for (aliases, tags, several documents) is refused here.
import { isUtf8 } from 'node:buffer';
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';

/** In the file; both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One thing wrong, where it stands, and what mends it. */
export interface ConfigProblem extends Place {
  /** `drivers[0].weight`; empty when it concerns the file. */
  readonly key: string;
  readonly problem: string;
  readonly mend: string;
}

export type Path = readonly PropertyKey[];

export interface ConfigText {
  readonly value: unknown;
  readonly problems: readonly ConfigProblem[];
  /** Where the value at a path stands; the nearest thing around it when there is none. */
  placeOf(path: Path): Place;
  /** Where the key at a path stands. */
  placeOfKey(path: Path): Place;
}

/** Both as one word: `drivers[0].weight`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

export function parseConfigText(bytes: Uint8Array): ConfigText {
  const notText = findNotText(bytes);
  if (notText) return unreadable(notText);
  const text = Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
  const lines = new LineCounter();
  const document = parseSafely(text, lines);
  if (!document) {
    const mend = 'no setting is deeper than three levels';
    return unreadable({ line: 1, column: 1, key: '', problem: 'is nested too deeply', mend });
  }
  const at = (offset: number) => placeAt(lines, offset);
  // After the first thing that is not YAML the rest is misread.
  const notYaml = document.errors[0] ?? document.warnings[0];
  const problems = notYaml ? [yamlProblem(notYaml, at(notYaml.pos[0]))] : [];
  if (document.directives?.yaml.explicit && document.directives.yaml.version !== '1.2') {
    const problem = `is YAML ${document.directives.yaml.version}`;
    problems.push({ line: 1, column: 1, key: '', problem, mend: 'remove the line that starts with %YAML' });
  }
  if (!notYaml) problems.push(...findUnwanted(document, at));
  const root = document.contents;
  if (problems.length > 0) return { ...unreadable(problems[0] as ConfigProblem), problems };
  return {
    value: document.toJS({ maxAliasCount: 0 }),
    problems,
    placeOf: (path) => at(offsetOf(root, path, 'value')),
    placeOfKey: (path) => at(offsetOf(root, path, 'key')),
  };
}

// The package looks for keys that stand twice in a time that grows with their square; findTwice does it in
// one pass. Within a megabyte brackets can be nested deeper than any stack.
function parseSafely(text: string, lineCounter: LineCounter) {
  try {
    const rules = { schema: 'core', version: '1.2', stringKeys: true, uniqueKeys: false } as const;
    return parseDocument(text, { ...rules, lineCounter, prettyErrors: false });
  } catch (thrown) {
    if (thrown instanceof RangeError) return null;
    throw thrown;
  }
}

function unreadable(problem: ConfigProblem): ConfigText {
  const place = () => ({ line: problem.line, column: problem.column });
  return { value: null, problems: [problem], placeOf: place, placeOfKey: place };
}

function findNotText(bytes: Uint8Array): ConfigProblem | null {
  if (isUtf8(bytes) && !bytes.includes(0)) return null;
  let line = 1;
  let from = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
    const piece = bytes.subarray(from, end);
    if (!isUtf8(piece) || piece.includes(0)) break;
    line += 1;
    from = end + 1;
  }
  return { line, column: 1, key: '', problem: 'is not UTF-8 text', mend: 'save the file as UTF-8' };
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function offsetOf(root: ParsedNode | null, path: Path, which: 'key' | 'value'): number {
  let node: Node | null = root;
  let offset = startOf(root);
  for (const [depth, part] of path.entries()) {
    if (!isCollection(node)) return offset;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (!pair) return offset;
      const isLast = depth === path.length - 1;
      const value = pair.value as Node | null;
      const wanted = isLast && (which === 'key' || !value?.range) ? (pair.key as Node) : value;
      offset = startOf(wanted ?? (pair.key as Node));
      node = value;
    } else {
      node = (node.items[Number(part)] ?? null) as Node | null;
      if (node) offset = startOf(node);
    }
  }
  return offset;
}

function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

const INDENT = 'indent with spaces, two for each level';
const YAML_PROBLEMS: Partial<Record<YAMLError['code'], readonly [problem: string, mend: string]>> = {
  TAB_AS_INDENT: ['a tab is used to indent', INDENT],
  BAD_INDENT: ['the indentation does not fit the lines above', INDENT],
  MULTIPLE_DOCS: ['a second document begins here', 'keep one document in the file: remove the line ---'],
  TAG_RESOLVE_FAILED: ['tags are not used here', 'remove the word that begins with !'],
  MISSING_CHAR: ['a character is missing', 'close the quote or bracket, or put a space after the colon'],
  MULTILINE_IMPLICIT_KEY: ['a key runs over several lines', 'write "key: value" on one line'],
  BLOCK_AS_IMPLICIT_KEY: ['two values stand on one line', 'put the second key on a line of its own'],
  UNEXPECTED_TOKEN: ['something unexpected stands here', 'write one "key: value" to a line'],
  BAD_DQ_ESCAPE: ['unknown escape in double quotes', 'use single quotes, or double the backslash'],
  BAD_SCALAR_START: ['a value cannot begin so', 'put the value in quotes'],
  NON_STRING_KEY: ['a key must be plain text', 'write the name of a setting before the colon'],
  BAD_DIRECTIVE: ['directives are not used here', 'remove the line that starts with %'],
};

/**
 * Keys that stand twice, and what a configuration has no use for; an alias ends the search: it may be a bomb.
 */
function findUnwanted(document: Document.Parsed, at: (offset: number) => Place): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  visit(document, {
    Node: (_key, node) => {
      if (isMap(node)) problems.push(...findTwice(node, at));
      if (!isAlias(node) && !('anchor' in node && node.anchor)) return;
      const mend = 'write the value out where it is needed';
      const problem = 'anchors and aliases are not used here';
      problems.push({ ...at(startOf(node)), key: '', problem, mend });
      return visit.BREAK;
    },
  });
  return problems;
}

function findTwice(map: YAMLMap, at: (offset: number) => Place): ConfigProblem[] {
  const seen = new Set<string>();
  return map.items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const name = String(key.value);
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ ...at(startOf(key)), key: name, problem: 'stands here twice', mend: 'remove one of the two' }];
  });
}

function yamlProblem(error: YAMLError, place: Place): ConfigProblem {
  // How deep is too deep depends on the stack that is left; the line does not.
  if (error.code === 'RESOURCE_EXHAUSTION') {
    const mend = 'no setting is deeper than three levels';
    return { line: place.line, column: 1, key: '', problem: 'values are nested too deeply', mend };
  }
  if (error.code === 'BAD_INDENT' && error.message.startsWith('Flow')) {
    return {
      ...place,
      key: '',
      problem: 'a bracket is open here',
      mend: 'close it, or indent what stands in it',
    };
  }
  const [problem, mend] = YAML_PROBLEMS[error.code] ?? [
    `not YAML (${error.code})`,
    'write one "key: value" to a line',
  ];
  return { ...place, key: '', problem, mend };
}
