// Runs every test of the repository, or those below the paths given: `node scripts/test.js src/core`. The
// output is node:test's own (spec); failures come after it, then every skipped test with its reason, and the
// summary of node:test is last. In CI (CI=true) a skip of a real suite is a failure: nothing goes unnoticed
// there. With `--with-check` (npm test) `npm run check` goes first; tests run also when it fails. With
// `--lab` (npm run lab) it is the scenarios of the lab alone, with all their rounds.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const LAB = 'lab/**/*.test.ts';
/** The lab is last: its guests would take the processor from servers whose time is measured. */
const EVERYTHING = [['src/**/*.test.ts', 'test/**/*.test.ts'], [LAB]];
const asked = new Set(process.argv.slice(2));
const isLab = asked.delete('--lab');
const withCheck = asked.delete('--with-check');
if (isLab) process.env.HOTADD_LAB_ROUNDS = 'all';
/** No test may hang the run; the slowest real suite needs well under a minute, the whole lab more. */
const TIMEOUT_MS = isLab ? 3_600_000 : 180_000;
/**
 * A test that timed out may leave its process running; after this long without a word everything is stopped.
 */
const SILENCE_MS = TIMEOUT_MS + 30_000;
/** Two even on one core, since most of a real suite is waiting; four at most, since servers measure time. */
const CONCURRENCY = Math.min(4, Math.max(2, availableParallelism()));
/** A skip whose reason begins so is of a suite that CI must run. */
const REAL_SUITE = 'real suite:';
const SUMMARY = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) \d/;

function findFiles(paths) {
  const patterns = paths.map((path) =>
    existsSync(path) && statSync(path).isDirectory() ? join(path, '**/*.test.ts') : path,
  );
  const groups = patterns.length > 0 ? [patterns] : isLab ? [[LAB]] : EVERYTHING;
  return groups.flatMap((group) => globSync(group, { cwd: ROOT }).sort()).map((file) => join(ROOT, file));
}

/** Writes events through a fresh spec reporter and returns what is left to print. */
function render(events) {
  const reporter = new spec();
  let text = '';
  reporter.on('data', (chunk) => {
    text += chunk;
  });
  for (const event of events) reporter.write(event);
  reporter.end();
  return new Promise((resolve) => reporter.on('end', () => resolve(text)));
}

function describeSkip({ name, skip, file }) {
  const reason = typeof skip === 'string' && skip !== '' ? skip : 'no reason given';
  return { reason, line: `﹣ ${name} (${relative(ROOT, file ?? ROOT)}): ${reason}` };
}

function check() {
  const [command, ...args] = ['npm', 'run', '--silent', 'check'];
  return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

process.chdir(ROOT);
const files = findFiles([...asked]);
if (files.length === 0) {
  console.error('test: no test file matches; give a folder or a *.test.ts file');
  process.exit(2);
}

const checked = withCheck ? check() : true;
const body = new spec();
body.pipe(process.stdout, { end: false });
const skips = [];
const summary = [];
let failed = false;
const stop = new AbortController();
const silence = setTimeout(() => stop.abort(), SILENCE_MS);
const options = { files, concurrency: CONCURRENCY, timeout: TIMEOUT_MS, signal: stop.signal };
for await (const event of run(options)) {
  const { type, data } = event;
  silence.refresh();
  if (type === 'test:fail') failed = true;
  if (type === 'test:pass' && data.skip !== undefined) skips.push(describeSkip(data));
  if (type === 'test:diagnostic' && SUMMARY.test(data.message)) summary.push(event);
  else body.write(event);
}
clearTimeout(silence);
body.end();
await new Promise((resolve) => body.on('end', resolve));

if (skips.length > 0) console.log(`\nskipped, with the reason:\n${skips.map(({ line }) => line).join('\n')}`);
if (process.env.CI === 'true' && skips.some(({ reason }) => reason.startsWith(REAL_SUITE))) {
  console.log('test: a skipped real suite is a failure in CI');
  failed = true;
}
if (!checked) console.log('\ntest: `npm run check` failed, see above');
process.stdout.write(`\n${await render(summary)}`);
process.exitCode = failed || !checked ? 1 : 0;
