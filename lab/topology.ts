// What a guest is made of: memory at boot, room for modules, NUMA nodes, virtio-mem, a balloon. The named
// ones are those of the scenarios; anything else is written out.
const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

export interface Topology {
  /** Memory at boot, bytes; at least 256 MiB. */
  readonly memoryBytes: number;
  /** What memory can grow to, modules and virtio-mem included. */
  readonly maxBytes: number;
  /** Slots for modules (DIMMs). */
  readonly slots: number;
  readonly cpus: number;
  /** NUMA: memory of each node at boot, bytes; 0 is a node that is empty. Their sum is `memoryBytes`. */
  readonly nodesBytes?: readonly number[];
  /** A virtio-mem device that can be asked for up to so many bytes. */
  readonly virtioMemBytes?: number;
  /**
   * A balloon. `deflate-on-oom`: the guest may take its memory back; then Linux leaves MemTotal as it is, and
   * only MemAvailable falls.
   */
  readonly balloon?: 'plain' | 'deflate-on-oom';
}

const PLAIN: Topology = { memoryBytes: 512 * MiB, maxBytes: 16 * GiB, slots: 16, cpus: 1 };

export const TOPOLOGIES = {
  /** 512 MiB and slots for 16 modules. */
  modules: PLAIN,
  /** virtio-mem of up to 4 GiB. */
  'virtio-mem': { ...PLAIN, slots: 2, virtioMemBytes: 4 * GiB },
  /** 1 GiB, part of which a balloon can take. */
  balloon: { ...PLAIN, memoryBytes: 1 * GiB, balloon: 'plain' },
  /** Two nodes with memory. */
  numa: { ...PLAIN, memoryBytes: 768 * MiB, nodesBytes: [512 * MiB, 256 * MiB] },
  /** Two nodes, the second without CPU and memory until a module is added to it. */
  'numa-empty-node': { ...PLAIN, nodesBytes: [512 * MiB, 0] },
} as const satisfies Record<string, Topology>;

export type TopologyName = keyof typeof TOPOLOGIES;

/** QEMU's arguments for the machine; `-nodefaults` and the like are qemu.ts's own. */
export function argumentsOf(topology: Topology): string[] {
  const { memoryBytes, maxBytes, slots, cpus, nodesBytes, virtioMemBytes, balloon } = topology;
  const size = `size=${memoryBytes / MiB}M`;
  return [
    ...['-smp', String(cpus), '-m', `${size},slots=${slots},maxmem=${maxBytes / MiB}M`],
    ...(nodesBytes ?? []).flatMap((bytes, node) => nodeArguments(node, bytes, cpus)),
    ...(virtioMemBytes === undefined ? [] : virtioMemArguments(virtioMemBytes)),
    ...(balloon === undefined ? [] : balloonArguments(balloon)),
  ];
}

function nodeArguments(node: number, bytes: number, cpus: number): string[] {
  const own = node === 0 ? `,cpus=0-${cpus - 1}` : '';
  if (bytes === 0) return ['-numa', `node,nodeid=${node}${own}`];
  return [
    ...['-object', `memory-backend-ram,id=ram${node},size=${bytes}`],
    ...['-numa', `node,nodeid=${node},memdev=ram${node}${own}`],
  ];
}

function virtioMemArguments(bytes: number): string[] {
  return [
    ...['-object', `memory-backend-ram,id=virtio-mem-ram,size=${bytes}`],
    ...['-device', 'virtio-mem-pci,id=virtio-mem,memdev=virtio-mem-ram,node=0,requested-size=0'],
  ];
}

function balloonArguments(balloon: NonNullable<Topology['balloon']>): string[] {
  const deflate = balloon === 'deflate-on-oom' ? 'on' : 'off';
  return ['-device', `virtio-balloon-pci,id=balloon,deflate-on-oom=${deflate}`];
}
