// The files that a connection needs: a password, certificates and a key. They are read at each connection,
// so a changed one counts from the next; secrets that others may read are refused.
import { readFile, stat } from 'node:fs/promises';
import { HotaddError } from '../core/errors.ts';

export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
}

/** Options for tls.connect. */
export async function readTls(place: string, tls: TlsFiles): Promise<object> {
  const read = async (name: 'ca' | 'cert' | 'key') => {
    const file = tls[name];
    if (file === undefined) return {};
    return { [name]: name === 'key' ? await readSecret(place, file) : await readOwn(place, file) };
  };
  const serverName = tls.serverName === undefined ? {} : { servername: tls.serverName };
  return { ...(await read('ca')), ...(await read('cert')), ...(await read('key')), ...serverName };
}

/** A file with a secret; one that others may read is refused. */
export async function readSecret(place: string, file: string): Promise<string> {
  const text = await readOwn(place, file);
  const { mode } = await stat(file);
  if ((mode & 0o007) !== 0) {
    throw new HotaddError('HOTADD_UNSAFE_FILE', `${file} can be read or changed by others`, {
      place,
      mend: `chmod o-rwx ${file}`,
    });
  }
  return text.replace(/\r?\n$/, '');
}

async function readOwn(place: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new HotaddError('HOTADD_BAD_CONFIG', `${file} cannot be read (${code})`, {
      place,
      mend: 'correct the path, or let this user read it',
    });
  }
}
