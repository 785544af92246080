// Whole programs among the examples, run as they stand in a real cgroup whose limit is raised and lowered:
// the kernel's own count of their memory proves the moves, and no request to the cluster fails.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { MiB } from '../../src/core/bytes.ts';
import { makeCgroup, noCgroup, type RealCgroup } from '../real-cgroup.ts';
import { ROOT } from '../repository.ts';
import { until } from '../until.ts';

interface Example {
  readonly group: RealCgroup;
  readonly child: ChildProcess;
  readonly lines: string[];
}

function run(t: TestContext, path: string, env: Record<string, string> = {}): Example {
  const group = makeCgroup(t, 1024 * MiB);
  const hooks = pathToFileURL(`${ROOT}/test/hotadd-sources.ts`).href;
  const node = [process.execPath, '--import', hooks, `${ROOT}/${path}`];
  const script = `echo $$ > '${group.folder}/cgroup.procs' && exec "$@"`;
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const child = spawn('sh', ['-c', script, 'example', ...node], {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => lines.push(line));
  t.after(() => child.kill('SIGKILL'));
  return { group, child, lines };
}

const said = ({ lines }: Example, pattern: RegExp) =>
  until(() => lines.find((line) => pattern.test(line)), `${pattern} in ${lines.join('\n')}`, 60_000);

test('example first: a cache of a program of its own follows its container', {
  skip: noCgroup,
}, async (t) => {
  const example = run(t, 'examples/first.mjs');
  await said(example, /^1 GiB are usable in cgroup:/);
  await said(example, /^repair .*pages 15\.6 MiB -> 512 MiB resized, proven/);
  example.group.writeLimit(2048 * MiB);
  await said(example, /^\+1 GiB .*pages 512 MiB -> 1 GiB resized, proven/);
  example.child.kill('SIGTERM');
  assert.deepEqual(await once(example.child, 'exit'), [0, null]);
});

test('example thread-pool: threads have the heap of the memory that there is', {
  skip: noCgroup,
}, async (t) => {
  const example = run(t, 'examples/workers/thread-pool.ts');
  await said(example, /^made one of 102400 bytes/);
  await said(example, /^repair .*thumbnails 64 MiB -> .* resized, proven/);
  example.group.writeLimit(2048 * MiB);
  await said(example, /^\+1 GiB .*thumbnails .* resized, proven.*; stays: node heap \d+ MiB, \d+ MiB short/);
  example.group.writeLimit(1024 * MiB);
  await said(example, /^-1 GiB .*thumbnails .* resized, proven/);
  example.child.kill('SIGTERM');
  assert.deepEqual(await once(example.child, 'exit'), [0, null]);
});

test('example web: processes are exchanged and proven, and no request fails', {
  skip: noCgroup,
}, async (t) => {
  const port = await freePort();
  const example = run(t, 'examples/workers/web.ts', { PORT: String(port) });
  await said(example, /^repair .*web 256 MiB -> .* resized, proven/);
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const failures: unknown[] = [];
  const heaps = new Set<string>();
  let ends = false;
  const clients = Array.from({ length: 4 }, async () => {
    while (!ends)
      await ask(port, agent).then(
        (heap) => heaps.add(heap),
        (error) => failures.push(error),
      );
  });
  example.group.writeLimit(2048 * MiB);
  await said(example, /^\+1 GiB .*web .* resized, proven/);
  example.group.writeLimit(1024 * MiB);
  await said(example, /^-1 GiB .*web .* resized, proven/);
  ends = true;
  await Promise.all(clients);
  agent.destroy();
  assert.deepEqual(failures, []);
  assert.ok(heaps.size >= 2, [...heaps].join());
});

function ask(port: number, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ port, agent }, (response) => {
      let text = '';
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
