// Memory as people read it: three numbers and what binds, the levels, blocks, nodes, pressure, and what is
// amiss.
import type { PhysicalMemory } from '../core/memory.ts';
import { amount, columns, plural, shorten, wrap } from './columns.ts';
import type { Output } from './output.ts';

export interface SeenMemory extends PhysicalMemory {
  readonly offline: { readonly blocks: readonly number[]; readonly command: string | null };
  readonly hintsMissing: readonly string[];
}

const WIDTH = 80;
const NAME_WIDTH = 44;

export function memoryText(seen: SeenMemory, verbose: boolean, output: Output): string[] {
  const hints = verbose ? seen.hintsMissing.map((hint) => `no hint: ${hint}`) : [];
  return [
    seen.partition,
    '',
    ...numbersText(seen).map((line, index) => (index === 2 ? output.style('bold', line) : line)),
    ...hiddenText(seen),
    '',
    ...levelsText(seen),
    ...section(partsText(seen)),
    ...section(offlineText(seen.offline)),
    ...section([...goneText(seen), ...staleText(seen), ...hints]),
  ];
}

export function numbersText(seen: PhysicalMemory): string[] {
  const { boundBy } = seen;
  const binds =
    boundBy === null
      ? ''
      : `bound by ${boundBy.file} of ${shorten(boundBy.level, NAME_WIDTH - boundBy.file.length)}`;
  return columns(
    [
      ['present', amount(seen.presentBytes), 'in modules, online or not'],
      ['online', amount(seen.onlineBytes), 'managed by the operating system'],
      ['usable', amount(seen.usableBytes), binds],
    ],
    [1],
  );
}

function section(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

function hiddenText(seen: PhysicalMemory): string[] {
  if (!seen.hiddenAncestors) return [];
  return ['levels above this container cannot be seen: usable is an upper bound'];
}

function levelsText({ levels }: PhysicalMemory): string[] {
  const rows = levels.map(({ name, limitBytes, usedBytes, file }) => [
    shorten(name, NAME_WIDTH - 10),
    amount(limitBytes),
    amount(usedBytes),
    file,
  ]);
  return columns([['level', 'limit', 'used', 'file'], ...rows], [1, 2]);
}

function partsText({ blocks, nodes, pressure }: PhysicalMemory): string[] {
  const rows: string[][] = [];
  if (blocks !== null) {
    const { sizeBytes, onlineBytes, offlineBytes } = blocks;
    const said = `${amount(onlineBytes)} online, ${amount(offlineBytes)} offline`;
    rows.push(['blocks', `${amount(sizeBytes)} each: ${said}`]);
  }
  for (const { node, onlineBytes, movableBytes } of nodes ?? []) {
    const movable = movableBytes ? `, ${amount(movableBytes)} of it for movable pages only` : '';
    rows.push([`node ${node}`, `${amount(onlineBytes)}${movable}`]);
  }
  if (pressure !== null) {
    const { someAvg10, fullAvg10, oomKills } = pressure;
    const share = (percent: number | null) => (percent === null ? 'not known' : `${percent} %`);
    const known = someAvg10 !== null || fullAvg10 !== null;
    const stalls = known
      ? `some ${share(someAvg10)}, full ${share(fullAvg10)} of the last 10 s`
      : 'stalls not known';
    const kills = oomKills === null ? 'OOM kills not known' : plural(oomKills, 'OOM kill');
    rows.push(['pressure', `${stalls}; ${kills}`]);
  }
  return columns(rows);
}

/** S5: with the command that would bring it online, in lines that can be pasted. */
export function offlineText({ blocks, command }: SeenMemory['offline']): string[] {
  if (blocks.length === 0) return [];
  const lines = (command ?? '').replace('; do ', '; do\n  ').replace('; done', '\ndone').split('\n');
  const title = `not online: ${plural(blocks.length, 'block')}; as root:`;
  return [title, ...(command === null ? [] : lines.map((line) => `  ${line}`))];
}

function goneText({ gone }: PhysicalMemory): string[] {
  return gone ? ['this partition is gone: the numbers are the last that were known'] : [];
}

function staleText({ stale }: PhysicalMemory): string[] {
  return stale.flatMap(({ reading, error }) => wrap(`stale: ${reading}: ${error}`, WIDTH, '  '));
}
