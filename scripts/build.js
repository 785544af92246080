// Builds what the package ships: dist (JavaScript and types) and the schema of hotadd.yaml. The last step
// checks that every file which package.json promises is there.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

function runOrExit(command, ...args) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (result.status === 0) return;
  console.error(
    `build: ${command} ${args.join(' ')} failed${result.error ? `: ${result.error.message}` : ''}`,
  );
  process.exit(1);
}

/** Every path that `exports`, `bin` and `types` of package.json name. */
function promised(value) {
  if (typeof value === 'string') return [value];
  return Object.values(value ?? {}).flatMap(promised);
}

rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
runOrExit(join(ROOT, 'node_modules', '.bin', 'tsc'), '-b');
runOrExit(process.execPath, 'scripts/write-schema.ts');

const { exports, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const targets = [...promised(exports), ...promised(bin), 'dist/cli/main.js'];
const missing = targets.filter((path) => !existsSync(join(ROOT, path)));
if (missing.length > 0) {
  console.error(`build: package.json names files that were not built: ${missing.join(', ')}`);
  process.exit(1);
}
console.log(`build: ${targets.length} promised files are there`);
