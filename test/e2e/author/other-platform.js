// Loaded before a program of author.test.ts: the process believes to be on another system. There is no /proc,
// no /sys and no inotify, and os.totalmem() is what a file says.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

const { OTHER_PLATFORM, TOTAL_MEMORY_FILE } = process.env;
const { readFileSync } = fs;
Object.defineProperty(process, 'platform', { value: OTHER_PLATFORM });
os.totalmem = () => Number(readFileSync(TOTAL_MEMORY_FILE, 'utf8'));
for (const name of ['accessSync', 'openSync', 'opendirSync', 'readFileSync', 'readdirSync', 'statSync']) {
  const real = fs[name];
  fs[name] = (path, ...rest) => {
    if (!/^\/(?:proc|sys)(?:\/|$)/.test(String(path))) return real(path, ...rest);
    throw Object.assign(new Error(`ENOENT: no such file or directory, '${path}'`), { code: 'ENOENT' });
  };
}
fs.watch = () => {
  throw new Error('nothing is watched on this system');
};
syncBuiltinESMExports();
