// What a Redis or Valkey server says of itself, as numbers: the text of INFO and the replies of CONFIG GET
// in, facts out. Pure. Fields that a version does not have are skipped: INFO's own documentation asks for
// that (valkey.io/commands/info, Notes).
import { HotaddError } from '../core/errors.ts';

export interface RedisFacts {
  readonly product: 'Redis' | 'Valkey';
  readonly version: string;
  /** A new one at every start of the server. */
  readonly runId: string;
  readonly pid: number;
  /** What the allocator has handed out. */
  readonly usedBytes: number;
  /** The part of it that maxmemory is compared with: replica and AOF buffers are not counted (evict.c). */
  readonly countedBytes: number;
  readonly rssBytes: number;
  /** How old rssBytes may be: it is sampled in serverCron, ten times a second at most (server.c). */
  readonly rssAgeMs: number;
  /** Pages that a running fork has made the server copy. */
  readonly cowBytes: number;
  readonly lastCowBytes: number;
  readonly startupBytes: number;
  readonly clientBytes: number;
  readonly backlogBytes: number;
  /** Outside the allocator: code, libraries, stack, script engines. */
  readonly outsideBytes: number;
  readonly replicaBufferBytes: number;
  readonly aofBufferBytes: number;
  readonly fragmentation: number | null;
  readonly appendOnly: boolean;
  /**
   * Save points, an append-only file or replicas: the server forks, and pages written meanwhile are copied.
   */
  readonly forks: boolean;
  readonly evictedKeys: number;
  readonly expiringKeys: number;
  /** False for a replica that leaves eviction to its master, which is the default. */
  readonly evictsItself: boolean;
  readonly policy: string;
  /** 0: no limit. */
  readonly maxmemoryBytes: number;
  readonly activeDefrag: string | null;
}

export interface RedisReplies {
  readonly info: unknown;
  /** Replies of CONFIG GET, each a list of names and values in turn. */
  readonly config: readonly unknown[];
}

const OLDEST = [6, 2] as const;

/** @throws HotaddError HOTADD_UNSUPPORTED for a server that is too old or does not say what is needed. */
export function parseFacts(place: string, replies: RedisReplies): RedisFacts {
  const info = parseInfo(replies.info);
  const config = parseConfig(replies.config);
  checkServer(place, info);
  const bytes = (name: string) => amount(info[name]) ?? 0;
  const needed = (name: string, found: string | undefined) => {
    const value = amount(found);
    if (value !== null) return value;
    throw new HotaddError('HOTADD_UNSUPPORTED', `the server gives no usable ${name}: ${found ?? 'nothing'}`, {
      place,
      mend: 'connect to a Redis 6.2+ or Valkey server itself, not to a proxy, a sentinel or a look-alike',
    });
  };
  const usedBytes = needed('used_memory', info.used_memory);
  const aofBufferBytes = bytes('mem_aof_buffer');
  const notCounted = bytes('mem_not_counted_for_evict');
  return {
    product: info.valkey_version === undefined ? 'Redis' : 'Valkey',
    version: info.valkey_version ?? info.redis_version ?? '',
    runId: info.run_id ?? '',
    pid: bytes('process_id'),
    usedBytes,
    countedBytes: Math.max(0, usedBytes - notCounted),
    rssBytes: needed('used_memory_rss', info.used_memory_rss),
    rssAgeMs: Math.max(100, 1_000 / Math.max(1, bytes('hz'))),
    cowBytes: bytes('current_cow_size'),
    lastCowBytes: Math.max(bytes('rdb_last_cow_size'), bytes('aof_last_cow_size')),
    startupBytes: bytes('used_memory_startup'),
    clientBytes: bytes('mem_clients_normal'),
    backlogBytes: bytes('mem_replication_backlog'),
    outsideBytes:
      bytes('rss_overhead_bytes') + (amount(info.used_memory_vm_total) ?? bytes('used_memory_lua')),
    replicaBufferBytes: Math.max(0, notCounted - aofBufferBytes),
    aofBufferBytes,
    fragmentation: info.mem_fragmentation_ratio === undefined ? null : Number(info.mem_fragmentation_ratio),
    appendOnly: info.aof_enabled === '1',
    forks: info.aof_enabled === '1' || (config.save ?? '') !== '' || bytes('connected_slaves') > 0,
    evictedKeys: bytes('evicted_keys'),
    expiringKeys: countExpiring(info),
    evictsItself: info.role !== 'slave' || config['replica-ignore-maxmemory'] === 'no',
    policy: config['maxmemory-policy'] ?? 'noeviction',
    maxmemoryBytes: needed('maxmemory', config.maxmemory),
    activeDefrag: config.activedefrag ?? null,
  };
}

/** `name:value` lines; headings start with `#`. */
export function parseInfo(reply: unknown): Record<string, string | undefined> {
  const fields: Record<string, string | undefined> = {};
  if (typeof reply !== 'string') return fields;
  for (const line of reply.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return fields;
}

export function parseConfig(replies: readonly unknown[]): Record<string, string | undefined> {
  const settings: Record<string, string | undefined> = {};
  for (const reply of replies) {
    if (!Array.isArray(reply)) continue;
    for (let at = 0; at + 1 < reply.length; at += 2) settings[String(reply[at])] = String(reply[at + 1]);
  }
  return settings;
}

function checkServer(place: string, info: Record<string, string | undefined>): void {
  const version = info.redis_version;
  if (version === undefined || info.run_id === undefined) {
    throw new HotaddError('HOTADD_UNSUPPORTED', 'INFO does not tell redis_version and run_id', {
      place,
      mend: 'connect to the Redis or Valkey server itself',
    });
  }
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new HotaddError('HOTADD_UNSUPPORTED', `Redis ${version} is too old`, {
    place,
    // Eviction runs in small slices beside other work only since 6.2 (redis#7653).
    mend: `update to ${OLDEST.join('.')} or newer: before, lowering maxmemory stops it while it evicts`,
  });
}

/** `db0:keys=10,expires=3,avg_ttl=0` */
function countExpiring(info: Record<string, string | undefined>): number {
  let count = 0;
  for (const [name, value] of Object.entries(info)) {
    if (/^db\d+$/.test(name)) count += Number(/expires=(\d+)/.exec(value ?? '')?.[1] ?? 0);
  }
  return count;
}

function amount(text: string | undefined): number | null {
  if (text === undefined || !/^-?\d+$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? Math.max(0, value) : null;
}
