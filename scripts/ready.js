// Makes a fresh clone ready: installs what is missing, says so in a line, and does nothing else. It is the
// `pre` script of start, dev, check, test and bench. Plain JavaScript without a dependency, because it runs
// on the machine's own Node (20 and later) before anything is installed.
//
//   --servers   also the servers of the real suites, on Debian as root
//   --bench     also the C compiler of the reference programs in bench/
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BIN = join(ROOT, 'node_modules', '.bin');
const NODE_OLDEST = [22, 18];
const POLICY = '/usr/sbin/policy-rc.d';

/** What the real suites start: the command that must be on PATH, and the Debian packages that bring it. */
const SERVERS = [
  { command: 'redis-server', packages: ['redis-server'], service: 'redis-server' },
  // Debian keeps PostgreSQL's own programs off PATH; this one comes with them.
  { command: 'pg_createcluster', packages: ['postgresql'], service: 'postgresql' },
  { command: 'lsmem', packages: ['util-linux'] },
  { command: 'qemu-system-x86_64', packages: ['qemu-system-x86'] },
  { command: 'busybox', packages: ['busybox-static'] },
  { command: 'mke2fs', packages: ['e2fsprogs'] },
  { command: 'xz', packages: ['xz-utils'] },
];
const COMPILER = { command: 'gcc', packages: ['gcc', 'libc6-dev'] };

/** PATH without this checkout's own node_modules: `npm ci` deletes that folder while it runs. */
function outerPath() {
  const paths = (process.env.PATH ?? '').split(delimiter);
  return paths.filter((path) => path !== BIN).join(delimiter);
}

function say(line) {
  console.log(`ready: ${line}`);
}

function fail(line) {
  console.error(`ready: ${line}`);
  process.exit(1);
}

function isRecent(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > NODE_OLDEST[0] || (major === NODE_OLDEST[0] && minor >= NODE_OLDEST[1]);
}

function packagesAreMissing() {
  const installed = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return true;
  return statSync(join(ROOT, 'package-lock.json')).mtimeMs > statSync(installed).mtimeMs;
}

function installPackages() {
  say('installing the packages of package-lock.json (npm ci)');
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: ROOT,
    env: { ...process.env, PATH: outerPath() },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (result.error) fail(`npm cannot be run (${result.error.message}); install npm, then repeat`);
  if (result.status !== 0) fail('npm ci failed, see above; nothing else was done');
}

/** The sources run on Node >= 22.18; the devDependency `node` brings one, if its install script may run. */
function checkNode() {
  const ours = spawnSync(join(BIN, 'node'), ['-v'], { encoding: 'utf8' });
  const version = ours.status === 0 ? ours.stdout.trim() : '';
  if (isRecent(version)) return;
  const outer = spawnSync('node', ['-v'], { encoding: 'utf8', env: { ...process.env, PATH: outerPath() } });
  if (version === '' && outer.status === 0 && isRecent(outer.stdout.trim())) return;
  const found = version === '' ? 'is missing: npm ran no install script' : `is ${version}`;
  fail(
    `node_modules/.bin/node ${found}, and hotadd needs Node >= ${NODE_OLDEST.join('.')}; ` +
      'run `npm rebuild node --ignore-scripts=false`, or put a newer Node on PATH',
  );
}

function isOnPath(command) {
  const paths = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/local/bin',
    '/usr/sbin',
    '/usr/bin',
    '/bin',
  ];
  return paths.some((path) => {
    try {
      accessSync(join(path, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function aptGet(...args) {
  const result = spawnSync('apt-get', ['-qq', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return result.status === 0;
}

/**
 * Installs packages and starts no service: policy-rc.d answers 101 (forbidden) while apt-get runs. A policy
 * that is there already is the machine's own and stays.
 */
function installQuietly(packages) {
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return aptGet('update') && aptGet('install', '-y', '--no-install-recommends', ...packages);
  } finally {
    if (ownPolicy) rmSync(POLICY, { force: true });
  }
}

/** A service that came with a package of just now is ours to silence: the suites start their own servers. */
function silence(service) {
  const stop = existsSync('/run/systemd/system')
    ? ['systemctl', ['disable', '--quiet', '--now', service]]
    : ['service', [service, 'stop']];
  spawnSync(stop[0], stop[1], { stdio: 'ignore' });
}

function installServers(wanted) {
  const missing = wanted.filter((server) => !isOnPath(server.command));
  if (missing.length === 0) return;
  const names = missing.map((server) => server.command).join(', ');
  const packages = missing.flatMap((server) => server.packages);
  const line = `apt-get install ${packages.join(' ')}`;
  const isDebian = isOnPath('apt-get') && existsSync('/etc/debian_version');
  const isRoot = process.getuid?.() === 0;
  if (isDebian && isRoot) {
    say(`installing ${names} (${line})`);
    const done = installQuietly(packages);
    for (const { service } of missing) if (done && service) silence(service);
    if (done && missing.every((server) => isOnPath(server.command))) return;
  }
  const mend = isDebian ? `as root: ${line}` : `install ${names} with this system's package manager`;
  const problem = `${names} missing, so what needs it is skipped; ${mend}`;
  if (process.env.CI === 'true') fail(problem);
  say(problem);
}

const asked = new Set(process.argv.slice(2));
if (packagesAreMissing()) installPackages();
checkNode();
installServers([...(asked.has('--servers') ? SERVERS : []), ...(asked.has('--bench') ? [COMPILER] : [])]);
