// NUMA nodes, and what part of each only movable pages can use (S6): that part cannot hold kernel data, so a
// machine with much of it can run out of memory while memory is free. Sources: si_meminfo_node() in
// mm/show_mem.c, zoneinfo_show_print() in mm/vmstat.c.
import { KiB } from '../core/bytes.ts';
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import type { NodeMemory } from '../core/memory.ts';
import { isGone } from './reading.ts';

const NODES_FOLDER = '/sys/devices/system/node';
const ZONEINFO = '/proc/zoneinfo';
const MANAGED = ' managed ';

/** `0-1,3`, the kernel's list of numbers. @throws HotaddError HOTADD_BAD_KERNEL_FILE */
export function parseNodeList(text: string): number[] {
  const nodes: number[] = [];
  for (const part of text.trim().split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) {
      throw new HotaddError('HOTADD_BAD_KERNEL_FILE', `"${part.slice(0, 40)}" is not a list of nodes`, {
        place: `${NODES_FOLDER}/online`,
      });
    }
    const last = Number(match[2] ?? match[1]);
    for (let node = Number(match[1]); node <= last; node += 1) nodes.push(node);
  }
  return nodes;
}

/** `Node 1 MemTotal:  524288 kB` in bytes; `null` when the line is not there. */
export function parseNodeTotal(text: string): number | null {
  const match = /^Node \d+ MemTotal:\s+(\d+) kB/m.exec(text);
  return match === null ? null : Number(match[1]) * KiB;
}

export interface ZonePages {
  /** Pages of all zones of the node that the kernel manages. */
  readonly managed: number;
  readonly movable: number;
}

/** Pages per node. Lines that are not understood are passed over: kernels add to this file. */
export function parseZoneinfo(text: string): Map<number, ZonePages> {
  const nodes = new Map<number, ZonePages>();
  // Hundreds of lines, of which each zone has one that matters: looked for, not taken apart.
  for (const section of text.split(/^Node /m)) {
    const header = /^(\d+), zone\s+(\S+)/.exec(section);
    const at = section.indexOf(MANAGED);
    const managed = at < 0 ? Number.NaN : Number.parseInt(section.slice(at + MANAGED.length), 10);
    if (header === null || Number.isNaN(managed)) continue;
    const node = Number(header[1]);
    const before = nodes.get(node) ?? { managed: 0, movable: 0 };
    nodes.set(node, {
      managed: before.managed + managed,
      movable: before.movable + (header[2] === 'Movable' ? managed : 0),
    });
  }
  return nodes;
}

/**
 * The page size, which no text file tells. A node's MemTotal is the sum of its zones' managed pages (the
 * kernel adds up the same counters), so their ratio is the page size. The two files are read one after the
 * other, hence the rounding to a power of two; what is far from one is not a page size, and then it is not
 * known.
 */
export function pageSizeOf(totalBytes: number, managedPages: number): number | null {
  if (managedPages === 0 || totalBytes === 0) return null;
  const ratio = totalBytes / managedPages;
  const size = 2 ** Math.round(Math.log2(ratio));
  return Math.abs(ratio / size - 1) < 0.2 && size >= 4 * KiB ? size : null;
}

/**
 * All nodes, or `null` on a machine that does not tell. Throws what the kernel says when a file is closed to
 * us.
 */
export function readNodes(machine: Machine): NodeMemory[] | null {
  const nodes = parseNodeList(machine.readText(`${NODES_FOLDER}/online`));
  const zones = readZones(machine);
  const totals = nodes.map((node) => readNodeTotal(machine, node));
  const pageSize = firstPageSize(nodes, totals, zones);
  return nodes.map((node, index) => {
    const pages = zones?.get(node);
    const movable = zones === null || pageSize === null ? null : (pages?.movable ?? 0) * pageSize;
    return { node, onlineBytes: totals[index] ?? null, movableBytes: movable };
  });
}

function firstPageSize(
  nodes: readonly number[],
  totals: readonly (number | null)[],
  zones: Map<number, ZonePages> | null,
): number | null {
  for (const [index, node] of nodes.entries()) {
    const size = pageSizeOf(totals[index] ?? 0, zones?.get(node)?.managed ?? 0);
    if (size !== null) return size;
  }
  return null;
}

/** A node may go between the list and the read. */
function readNodeTotal(machine: Machine, node: number): number | null {
  try {
    return parseNodeTotal(machine.readText(`${NODES_FOLDER}/node${node}/meminfo`));
  } catch (thrown) {
    if (isGone(thrown)) return null;
    throw thrown;
  }
}

function readZones(machine: Machine): Map<number, ZonePages> | null {
  try {
    return parseZoneinfo(machine.readText(ZONEINFO));
  } catch {
    return null;
  }
}
