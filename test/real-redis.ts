// Starts a real redis-server for a test: in a directory of its own, on a Unix socket and on request a port,
// stopped by the pid that was started, also when the test fails. Without redis-server the suites skip and say
// what to do.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createClient } from 'redis';

export interface RealRedis {
  readonly dir: string;
  readonly pid: number;
  /** `unix:` address of its socket. */
  readonly url: string;
  readonly port: number | null;
  /** One command on a connection of the test's own, as the default user. */
  run(...command: string[]): Promise<unknown>;
  /** One number of INFO. */
  info(field: string): Promise<number>;
  /** Fills with keys of one value size, pipelined; the server must have no password. */
  fill(options: {
    bytes: number;
    valueBytes: number;
    prefix?: string;
    expireSeconds?: number;
  }): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface RealRedisOptions {
  /** Lines of redis.conf, as arguments: `['--maxmemory', '100mb']`. */
  readonly args?: readonly string[];
  /** Listen on 127.0.0.1 too: on a free port, or the one given. */
  readonly port?: boolean | number | 'tls';
  /** A configuration file to start with; its path is given, and the server may rewrite it. */
  readonly configFile?: string;
  readonly password?: string;
  /** The folder of a cgroup to start in, so that every page is counted there. */
  readonly cgroup?: string;
}

/** `false` when redis-server is there, else the reason for the runner. */
export const noRedis: string | false = (() => {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'real suite: redis-server is not installed; apt-get install redis-server';
  }
})();

export async function startRedis(t: TestContext, options: RealRedisOptions = {}): Promise<RealRedis> {
  const dir = mkdtempSync(join(tmpdir(), 'hotadd-redis-'));
  chmodSync(dir, 0o700);
  const socket = join(dir, 'redis.sock');
  const port = typeof options.port === 'number' ? options.port : options.port ? await freePort() : null;
  const listen =
    options.port === 'tls' ? ['--port', '0', '--tls-port', `${port}`] : ['--port', `${port ?? 0}`];
  // The shell becomes the server: it has the same pid, and never was anywhere else than in the cgroup.
  const enter = options.cgroup === undefined ? ':' : `echo $$ > '${options.cgroup}/cgroup.procs'`;
  const child = spawn(
    'sh',
    [
      ...['-c', `${enter} && exec redis-server "$@"`, 'redis-server'],
      ...(options.configFile === undefined ? [] : [options.configFile]),
      ...['--dir', dir, '--unixsocket', socket, '--bind', '127.0.0.1', '--daemonize', 'no'],
      ...['--save', '', ...listen, ...(options.args ?? [])],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const stop = (signal: NodeJS.Signals = 'SIGKILL') => stopChild(child, signal);
  t.after(async () => {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  });
  await ready(child);
  const client = createClient({
    socket: { path: socket, reconnectStrategy: false },
    ...(options.password === undefined ? {} : { password: options.password }),
  });
  client.on('error', () => undefined);
  await client.connect();
  t.after(() => client.destroy());
  const run = (...command: string[]) => client.sendCommand(command);
  return {
    dir,
    pid: child.pid ?? 0,
    url: `unix:${socket}`,
    port,
    run,
    info: async (field) => Number(new RegExp(`^${field}:(\\S+)`, 'm').exec(String(await run('INFO')))?.[1]),
    fill: ({ bytes, valueBytes, prefix = 'key', expireSeconds }) => {
      const value = 'x'.repeat(valueBytes);
      const expiry = expireSeconds === undefined ? [] : ['EX', String(expireSeconds)];
      const count = Math.ceil(bytes / valueBytes);
      return fillRaw(socket, count, (at) => ['SET', `${prefix}:${at}`, value, ...expiry]);
    },
    stop,
  };
}

/** Writes commands as bytes and counts the replies: a client library would take ten times as long. */
async function fillRaw(
  path: string,
  count: number,
  lineOf: (at: number) => readonly string[],
): Promise<void> {
  const socket = createConnection(path);
  await once(socket, 'connect');
  let replies = 0;
  const all = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      if (chunk.includes('-')) reject(new Error(`redis-server refuses the fill: ${chunk.toString()}`));
      for (const byte of chunk) if (byte === 10) replies += 1;
      if (replies >= count) resolve();
    });
  });
  const atOnce = 1_000;
  for (let from = 0; from < count; from += atOnce) {
    const until = Math.min(count, from + atOnce);
    const commands = Array.from({ length: until - from }, (_, at) => encode(lineOf(from + at)));
    if (!socket.write(commands.join(''))) await once(socket, 'drain');
  }
  await all;
  socket.destroy();
}

function encode(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}

/** Waits for the line that says that the server takes connections. */
async function ready(child: ChildProcess): Promise<void> {
  let log = '';
  const isReady = new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (/eady to accept connections unix|at .*redis\.sock/i.test(log)) resolve();
    });
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`redis-server ended at its start:\n${log}`);
  });
  await Promise.race([isReady, ended]);
  ended.catch(() => undefined);
}

async function stopChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** Redis does not take port 0 as "any", so a free one is looked up first. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
