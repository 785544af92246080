// Which configuration a command uses: the one that is named, else the one here, else the installed one.
// Commands that can do without get the defaults: no drivers, and nothing is applied.
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Config } from '../agent/config.ts';
import { HotaddError } from '../core/errors.ts';
import type { Given } from './command.ts';

export interface FoundConfig {
  /** `null`: there is none, and these are the defaults. */
  readonly path: string | null;
  readonly config: Config;
}

/** @throws HotaddError HOTADD_BAD_CONFIG, HOTADD_UNSAFE_FILE. */
export async function findConfig(given: Given): Promise<FoundConfig> {
  const { parseConfig, readConfig } = await import('../agent/config.ts');
  const path = given.option('config') ?? (await findPath());
  if (path !== null) return { path, config: await readConfig(path) };
  // As `hotadd memory`: the partition that the command itself runs in.
  return { path, config: parseConfig(Buffer.from('version: 1\npartition: self\n'), 'defaults') };
}

/** As findConfig; a command that acts on its own needs a file. */
export async function needConfig(given: Given): Promise<FoundConfig & { path: string }> {
  const { path, config } = await findConfig(given);
  if (path !== null) return { path, config };
  throw new HotaddError('HOTADD_BAD_CONFIG', `there is none; looked for ${candidates().join(' and ')}`, {
    place: 'configuration',
    mend: 'write one, or name it with --config',
  });
}

async function findPath(): Promise<string | null> {
  for (const path of candidates()) {
    // What is there and cannot be read is an error of that file, not a reason to look further.
    const missing = await access(path).then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT' || error.code === 'ENOTDIR',
    );
    if (!missing) return path;
  }
  return null;
}

function candidates(): string[] {
  return ['hotadd.yaml', process.getuid?.() === 0 ? '/etc/hotadd/hotadd.yaml' : userConfig()];
}

function userConfig(): string {
  const set = process.env.XDG_CONFIG_HOME;
  return join(set && isAbsolute(set) ? set : join(homedir(), '.config'), 'hotadd', 'hotadd.yaml');
}
