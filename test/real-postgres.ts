// Starts a real PostgreSQL for a test: a cluster in a directory of its own, on a Unix socket there and on no
// port, stopped by the pid that was started. It refuses to run as root, so root's
// tests run it as the user that its package makes. Without it the suites skip and say what to do.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RealPostgres {
  readonly pid: number;
  /** What a client of pg connects with. */
  readonly address: { readonly host: string; readonly user: string; readonly database: string };
  /** Also takes its directory away. For `after`, when its clients are closed. */
  stop(): Promise<void>;
}

const USER = 'postgres';
const CONNECTIONS_MOST = 60;

/** Where the newest version of Debian's packages has its programs. */
function findPrograms(): string | null {
  const version = (path: string) => Number(/postgresql\/(\d+)/.exec(path)?.[1]);
  const found = globSync('/usr/lib/postgresql/*/bin/initdb').sort((a, b) => version(b) - version(a));
  const folder = found[0]?.replace(/\/initdb$/, '');
  return folder !== undefined && existsSync(join(folder, 'postgres')) ? folder : null;
}

/** `null`: the tests' own, which is not root. */
function findUser(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const idOf = (flag: string) => Number(execFileSync('id', [flag, USER], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

const programs = findPrograms();

/** `false` when PostgreSQL is there, else the reason for the runner. */
export const noPostgres: string | false =
  programs === null ? 'real suite: postgresql is not installed; apt-get install postgresql' : false;

export async function startPostgres(): Promise<RealPostgres> {
  if (programs === null) throw new Error('postgresql is not installed');
  const dir = mkdtempSync(join(tmpdir(), 'hotadd-postgres-'));
  const user = findUser();
  if (user !== null) chownSync(dir, user.uid, user.gid);
  const options = { cwd: dir, ...user };
  const data = join(dir, 'data');
  const create = ['-D', data, '-U', USER, '-A', 'trust', '--no-sync', '--no-instructions', '-E', 'UTF8'];
  execFileSync(join(programs, 'initdb'), create, { ...options, stdio: ['ignore', 'ignore', 'inherit'] });
  const settings = ['listen_addresses=', `unix_socket_directories=${dir}`, 'fsync=off'];
  const args = [...settings, `max_connections=${CONNECTIONS_MOST}`].flatMap((setting) => ['-c', setting]);
  const child = spawn(join(programs, 'postgres'), ['-D', data, ...args], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stop = async () => {
    await stopChild(child);
    rmSync(dir, { recursive: true, force: true });
  };
  await ready(child).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { pid: child.pid ?? 0, address: { host: dir, user: USER, database: 'postgres' }, stop };
}

async function ready(child: ChildProcess): Promise<void> {
  let log = '';
  const isReady = new Promise<void>((resolve) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (/ready to accept connections/.test(log)) resolve();
    });
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`postgres ended at its start:\n${log}`);
  });
  await Promise.race([isReady, ended]);
  ended.catch(() => undefined);
}

/** Its word for a stop at once, its own processes included. */
async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGQUIT');
  await exited;
}
