// Where the lab looks for programs of this machine: on PATH, and where a PATH that is not root's has none.
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

const ALSO = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
const places = [...(process.env.PATH ?? '').split(':').filter((place) => place !== ''), ...ALSO];

/** For every program that the lab starts. */
export const environment: NodeJS.ProcessEnv = { ...process.env, PATH: places.join(':') };

/** The path of a program; `null`: it is not on this machine. */
export function findProgram(name: string): string | null {
  const paths = name.includes('/') ? [name] : places.map((place) => join(place, name));
  return paths.find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
