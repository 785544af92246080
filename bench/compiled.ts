// The sources compiled to JavaScript as they are shipped, for what is measured of a whole process: a
// process that strips types itself carries the stripper's memory too. The folder lies where the optional
// packages are found.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atExit } from './contender.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Compiles src. Returns the folder, which is removed at the end. Throws when the compiler writes nothing. */
export function compileSources(): string {
  const out = join(root, 'node_modules', '.cache', `hotadd-bench-${process.pid}`);
  mkdirSync(out, { recursive: true });
  atExit(() => rmSync(out, { recursive: true, force: true }));
  writeFileSync(join(out, 'package.json'), '{"type":"module"}\n');
  writeFileSync(
    join(out, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.base.json'),
      compilerOptions: { outDir: out, rootDir: join(root, 'src'), declaration: false },
      include: [join(root, 'src/**/*.ts')],
      exclude: [join(root, 'src/**/*.test.ts')],
    }),
  );
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const result = spawnSync(tsc, ['-p', out], { encoding: 'utf8', timeout: 120_000 });
  if (result.error) throw new Error(`the sources cannot be compiled: ${result.error.message}`);
  return out;
}
