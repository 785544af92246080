// Reads Markdown for docs.test.ts: headings and their anchors, links, marked snippets and the code they are
// cut from. The convention for a snippet is a comment on the line above the fence:
//
//   <!-- from: examples/cache.ts#open -->     the region `// #region open` ... `// #endregion` of that file
//   <!-- from: examples/cache.ts -->          the whole file below its opening comment

/** The text with fenced code blanked, so that a `#` or a link in code is not taken for one of the page. */
export function prose(text: string): string {
  return text.replace(/^(```|~~~)[\s\S]*?^\1[^\n]*$/gm, (block) => block.replace(/[^\n]/g, ''));
}

export function headingsOf(text: string): string[] {
  return [...prose(text).matchAll(/^#{1,6} +(.+?) *#*$/gm)].map((match) => match[1] ?? '');
}

export function titlesOf(text: string): string[] {
  return [...prose(text).matchAll(/^# +(.+)$/gm)].map((match) => match[1] ?? '');
}

/** Anchors as GitHub makes them: lower case, punctuation dropped, spaces to hyphens, repeats numbered. */
export function anchorsOf(text: string): string[] {
  const seen = new Map<string, number>();
  return headingsOf(text).map((heading) => {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/ /g, '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
}

/** Targets of inline links and images that stay inside the repository. */
export function relativeLinksOf(text: string): string[] {
  const withoutCode = prose(text).replace(/`[^`\n]*`/g, '');
  const targets = [...withoutCode.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)].map(
    (match) => match[1] ?? '',
  );
  return targets.filter((target) => !/^[a-z][a-z+.-]*:/i.test(target));
}

export interface Snippet {
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** Where it is cut from; null when it is not marked. */
  readonly from: { readonly path: string; readonly region: string | null } | null;
}

export function snippetsOf(text: string): Snippet[] {
  const fence = /(?:^<!-- from: (\S+?)(?:#(\S+))? -->\n)?^```(\w*)[^\n]*\n([\s\S]*?)^```$/gm;
  return [...text.matchAll(fence)].map((match) => ({
    line: text.slice(0, match.index).split('\n').length,
    language: match[3] ?? '',
    code: match[4] ?? '',
    from: match[1] === undefined ? null : { path: match[1], region: match[2] ?? null },
  }));
}

/** The code of a region, without the indent it has in its file; null when there is no such region. */
export function regionOf(text: string, region: string | null): string | null {
  if (region === null) return text.replace(/^(?:\/\/[^\n]*\n)+/, '');
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.trim() === `// #region ${region}`);
  const end = lines.findIndex((line, index) => index > start && line.trim().startsWith('// #endregion'));
  if (start < 0 || end < 0) return null;
  const body = lines.slice(start + 1, end);
  const indents = body
    .filter((line) => line.trim() !== '')
    .map((line) => line.length - line.trimStart().length);
  return body.map((line) => `${line.slice(Math.min(...indents))}\n`).join('');
}

/** The first column of every table in a page, where it is one piece of code: `` | `key` | ... ``. */
export function tableKeysOf(text: string): string[] {
  return [...prose(text).matchAll(/^\| *`([^`]+)` *\|/gm)].map((match) => match[1] ?? '');
}

/** The names in the first column of a table's row: `` | `open(path)`, `close` | `` has `open` and `close`. */
export function tableNamesOf(row: string): string[] {
  const cell = /^\| *(`[^|]*`) *\|/.exec(row)?.[1] ?? '';
  return [...cell.matchAll(/`([A-Za-z_]\w*)[^`]*`/g)].map((match) => match[1] ?? '');
}

/** A page cut at its headings. */
export function sectionsOf(text: string): { heading: string; body: string[] }[] {
  const sections: { heading: string; body: string[] }[] = [{ heading: '', body: [] }];
  for (const line of prose(text).split('\n')) {
    const heading = /^#{1,6} +(.+?) *$/.exec(line)?.[1];
    if (heading === undefined) sections.at(-1)?.body.push(line);
    else sections.push({ heading, body: [] });
  }
  return sections;
}

/** What a file of re-exports exports, and from where; the types among them too. */
export function exportsOf(text: string): { name: string; from: string }[] {
  return [...text.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)';$/gm)].flatMap((match) =>
    [...(match[1] ?? '').matchAll(/(?:type\s+)?(\w+)\s*(?:,|$)/g)].map((one) => ({
      name: one[1] ?? '',
      from: match[2] ?? '',
    })),
  );
}

/** The members of an interface or a class as biome writes them: two spaces in, private ones left out. */
export function membersOf(text: string, name: string): { kind: string; names: string[] } {
  const found = new RegExp(`^export (interface|class) ${name}\\b[^]*?^}$`, 'm').exec(text);
  const member = /^ {2}(?:readonly |async |get )*(\w+)\??(?:[(:;<]| =)/gm;
  const names = [...(found?.[0] ?? '').matchAll(member)].map((match) => match[1] ?? '');
  return { kind: found?.[1] ?? '', names: [...new Set(names)].filter((one) => one !== 'constructor') };
}

/** Every key of a JSON schema as people write it: `version`, `drivers[].name`. Alternatives are joined. */
export function keysOfSchema(schema: unknown, prefix = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties = {}, items, anyOf = [], oneOf = [], allOf = [] } = schema as Record<string, object>;
  const own = Object.entries(properties).flatMap(([key, value]) => [
    `${prefix}${key}`,
    ...keysOfSchema(value, `${prefix}${key}.`),
  ]);
  const listed = items === undefined ? [] : keysOfSchema(items, `${prefix.replace(/\.$/, '')}[].`);
  const joined = [anyOf, oneOf, allOf].flatMap((list) => Object.values(list));
  return [...new Set([...own, ...listed, ...joined.flatMap((one) => keysOfSchema(one, prefix))])];
}
