// One applying planner per partition (E6). On Linux the lock is an abstract Unix socket: it has no file, and
// the kernel gives it up the moment its holder is gone, also after kill -9. Whoever loses connects to it and
// hears who holds it. Elsewhere it is a Unix socket in the run folder, or a named pipe on Windows.
//
// An abstract name belongs to the network namespace and has no permissions: any local user can hold the name
// and so keep the agent from applying (never make it apply). The loser says who it is. Processes that share a
// partition stay connected to its holder: the connection ends with that one, and another takes over.
import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf, HotaddError, messageOf } from '../core/errors.ts';
import type { Holder, Lock, LockRequest } from '../core/lock.ts';

export interface LockOptions extends LockRequest {
  readonly platform?: NodeJS.Platform;
  readonly answerDeadlineMs?: number;
}

/** The kernel's `sun_path` has 108 bytes; the leading NUL of an abstract name is one of them. */
const NAME_MAX_BYTES = 107;
const ANSWER_DEADLINE_MS = 1000;
const ANSWER_MAX_BYTES = 4096;
const VISITORS_MOST = 64;
const RETRY_MS = 10;
const UNKNOWN: Holder = { pid: null, program: 'unknown', since: null };

/**
 * Takes the partition for this process, joins the one that shares it, or says who has it.
 * @param identity the partition's identity (`machine:<machine-id>`, `cgroup:<path>@<inode>`, ...).
 * @throws HotaddError HOTADD_UNSUPPORTED when there is no way to lock here.
 */
export async function acquireLock(
  identity: string,
  options: LockOptions = {},
): Promise<Lock | { heldBy: Holder }> {
  const platform = options.platform ?? process.platform;
  const address = await addressOf(identity, platform, options.folder);
  const isFile = !address.startsWith('\0') && platform !== 'win32';
  const deadlineMs = options.answerDeadlineMs ?? ANSWER_DEADLINE_MS;
  const giveUpAt = performance.now() + deadlineMs;
  const { program = programName(), processes = 1 } = options;
  for (;;) {
    const held = await listen(address, { program, processes });
    if (held) return lockOf(identity, held);
    const asked = await askHolder(address, deadlineMs, processes);
    if (asked !== 'nobody') return 'heldBy' in asked ? asked : joinedLock(identity, asked.joined);
    // Its holder has gone since, or is between taking the name and listening on it.
    if (performance.now() > giveUpAt) return { heldBy: UNKNOWN };
    if (isFile) await rm(address, { force: true });
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

interface Held {
  readonly server: Server;
  /** Those who have joined, and visitors for as long as they read. */
  readonly connected: ReadonlySet<Socket>;
}

function lockOf(identity: string, { server, connected }: Held): Lock {
  let released: Promise<void> | null = null;
  return {
    identity,
    release: () => {
      released ??= new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of connected) socket.destroySoon();
      });
      return released;
    },
  };
}

function joinedLock(identity: string, connection: Socket): Lock {
  const holderGone = new Promise<void>((resolve) => connection.once('close', () => resolve()));
  return {
    identity,
    holderGone,
    release: () => {
      connection.destroy();
      return holderGone;
    },
  };
}

async function addressOf(identity: string, platform: NodeJS.Platform, folder?: string): Promise<string> {
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 32);
  const name = `hotadd:${identity}`;
  if (platform === 'linux') return `\0${Buffer.byteLength(name) > NAME_MAX_BYTES ? `hotadd:${hash}` : name}`;
  if (platform === 'win32') return `\\\\.\\pipe\\hotadd-${hash}`;
  // In the user's own folder: planners of other users are not seen from there.
  const own = folder ?? join(tmpdir(), `hotadd-${process.getuid?.() ?? 0}`);
  await mkdir(own, { recursive: true, mode: 0o700 });
  return join(own, `${hash}.lock`);
}

function programName(): string {
  return process.title.slice(0, 80);
}

/** `null`: the name is taken. */
function listen(address: string, who: { program: string; processes: number }): Promise<Held | null> {
  const { program, processes } = who;
  const shared = processes > 1;
  const holder = { v: 1, pid: process.pid, program, since: Date.now(), ...(shared ? { processes } : {}) };
  const connected = new Set<Socket>();
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      connected.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => connected.delete(socket));
      socket.unref().resume();
      const answer = `${JSON.stringify(holder)}\n`;
      // Who joins stays; a visitor leaves when it has read.
      if (shared) return void socket.write(answer);
      // One line, and the door closes: a visitor that reads nothing costs nothing for long.
      socket.setTimeout(ANSWER_DEADLINE_MS, () => socket.destroy());
      socket.end(answer, () => socket.destroySoon());
    });
    server.maxConnections = VISITORS_MOST + processes;
    server.once('error', (thrown) => {
      if (codeOf(thrown) === 'EADDRINUSE') return resolve(null);
      const mend = 'look at the run folder and the limits of this process';
      const problem = `the partition cannot be locked (${codeOf(thrown) ?? messageOf(thrown)})`;
      reject(new HotaddError('HOTADD_UNSUPPORTED', problem, { mend, cause: thrown }));
    });
    // Without `exclusive`, workers of node:cluster share one socket through their primary: all would hold it.
    server.listen({ path: address, exclusive: true }, () => {
      server.removeAllListeners('error');
      server.on('error', () => {});
      resolve({ server: server.unref(), connected });
    });
  });
}

type Asked = { readonly heldBy: Holder } | { readonly joined: Socket } | 'nobody';

/** A holder that does not answer, or not in a way that is understood, is still a holder. */
function askHolder(address: string, deadlineMs: number, processes: number): Promise<Asked> {
  return new Promise((resolve) => {
    let text = '';
    const socket: Socket = createConnection({ path: address });
    const finish = (answer: Holder | 'nobody') => {
      clearTimeout(timer);
      const joins = answer !== 'nobody' && processes > 1 && answer.processes === processes;
      if (joins && !socket.destroyed) return resolve({ joined: socket.unref() });
      socket.destroy();
      resolve(answer === 'nobody' ? answer : { heldBy: answer });
    };
    const timer = setTimeout(() => finish(UNKNOWN), deadlineMs);
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n') || text.length > ANSWER_MAX_BYTES) finish(parseHolder(text));
    });
    socket.on('close', () => finish(parseHolder(text)));
    socket.on('error', (thrown) => {
      const code = codeOf(thrown);
      finish(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'nobody' : UNKNOWN);
    });
  });
}

function parseHolder(text: string): Holder {
  try {
    const said: unknown = JSON.parse(text.slice(0, text.indexOf('\n')));
    if (typeof said !== 'object' || said === null) return UNKNOWN;
    const { pid, program, since, processes } = said as Record<string, unknown>;
    return {
      pid: typeof pid === 'number' ? pid : null,
      // It goes to a terminal, and anybody may hold the name.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
      program: typeof program === 'string' ? program.replace(/[\0-\x1f\x7f]/g, '').slice(0, 80) : 'unknown',
      since: typeof since === 'number' ? since : null,
      ...(typeof processes === 'number' ? { processes } : {}),
    };
  } catch {
    return UNKNOWN;
  }
}
