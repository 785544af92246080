// The package in programs as authors have them: bundled into one file, required, in a worker thread, on other
// systems, with koffi and without. Each is a process that registers a driver, sees a real limit move, closes,
// and ends by itself.
import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { build } from 'esbuild';
import { rollup } from 'rollup';
import { GiB, MiB } from '../../src/core/bytes.ts';
import { authorProject, buildPackage, runIn } from '../author-project.ts';
import { makeCgroup, noCgroup } from '../real-cgroup.ts';
import { ROOT } from '../repository.ts';

const real = { skip: noCgroup };
const WITHOUT_KOFFI = ['koffi is not installed (npm install koffi); memory is polled'];
const IN_WORKER = ['kernel uevents need the main thread; memory is polled'];

before(buildPackage);

function project(t: TestContext, packages: readonly string[] = []): string {
  const folder = authorProject(t, packages);
  cpSync(join(ROOT, 'test/e2e/author'), folder, { recursive: true });
  return folder;
}

/** One file is left of the project, and what has to stay outside of it. */
function keepOnly(folder: string, file: string): void {
  rmSync(join(folder, 'node_modules/hotadd'), { recursive: true });
  for (const name of readdirSync(folder))
    if (name !== file && name !== 'node_modules' && name !== 'package.json') rmSync(join(folder, name));
}

async function expectFollows(t: TestContext, folder: string, args: string[], missing: readonly string[]) {
  const group = makeCgroup(t, 256 * MiB);
  const { code, said } = await runIn(folder, [...args, `cgroup:${group.path}`, group.limitFile, `${GiB}`]);
  assert.equal(code, 0, said);
  const { usableBytes, boundBy, hintsMissing, news, size, isOurs } = JSON.parse(said);
  assert.deepEqual([usableBytes, boundBy.level, isOurs], [GiB, group.path, 'HOTADD_BUSY']);
  assert.deepEqual(news.slice(-1), ['grow arrival']);
  assert.ok(size > 256 * MiB && size < GiB, `${size}`);
  assert.deepEqual(hintsMissing, missing);
}

for (const format of ['esm', 'cjs'] as const) {
  const file = format === 'esm' ? 'one.mjs' : 'one.cjs';

  async function bundleWithEsbuild(folder: string): Promise<void> {
    const { warnings } = await build({
      ...{ absWorkingDir: folder, entryPoints: ['app.js'], outfile: join(folder, file), format },
      ...{ bundle: true, platform: 'node', logLevel: 'silent' },
    });
    assert.deepEqual(warnings, []);
    keepOnly(folder, file);
  }

  test(`author: bundled by esbuild (${format}), without koffi it polls and says so`, real, async (t) => {
    const folder = project(t);
    await bundleWithEsbuild(folder);
    await expectFollows(t, folder, [file], WITHOUT_KOFFI);
  });

  test(`author: bundled by esbuild (${format}), koffi beside the bundle is used`, real, async (t) => {
    const folder = project(t, ['koffi']);
    await bundleWithEsbuild(folder);
    await expectFollows(t, folder, [file], []);
  });

  test(`author: bundled by rollup (${format}), with koffi and without`, real, async (t) => {
    for (const [packages, missing] of [
      [['koffi'], []],
      [[], WITHOUT_KOFFI],
    ] as const) {
      const folder = project(t, packages);
      const warnings: string[] = [];
      const bundle = await rollup({
        input: join(folder, 'app.js'),
        external: /^node:/,
        plugins: [nodeResolve({ preferBuiltins: true })],
        onwarn: ({ message }) => void warnings.push(message),
      });
      await bundle.write({ file: join(folder, file), format, inlineDynamicImports: true });
      assert.deepEqual(warnings, []);
      keepOnly(folder, file);
      await expectFollows(t, folder, [file], missing);
    }
  });
}

test('author: required in CommonJS, every part of the package', real, async (t) => {
  await expectFollows(t, project(t, ['koffi']), ['required.cjs'], []);
});

test('author: in a worker thread it polls, and says so', real, async (t) => {
  await expectFollows(t, project(t, ['koffi']), ['in-worker.js'], IN_WORKER);
});

for (const platform of ['win32', 'darwin'] as const) {
  test(`author: on ${platform} total memory is polled, and memory says where it is from (S9)`, async (t) => {
    const folder = project(t, ['koffi']);
    const total = join(folder, 'total');
    writeFileSync(total, `${8 * GiB}`);
    const args = ['--import', './other-platform.js', 'app.js', 'self', total, `${16 * GiB}`];
    const env = { OTHER_PLATFORM: platform, TOTAL_MEMORY_FILE: total, TMPDIR: folder };
    const { code, said } = await runIn(folder, args, env);
    assert.equal(code, 0, said);
    assert.equal(readFileSync(total, 'utf8'), `${16 * GiB}`);
    const { usableBytes, boundBy, hintsMissing, news, size, isOurs } = JSON.parse(said);
    assert.deepEqual([usableBytes, isOurs], [16 * GiB, 'HOTADD_BUSY']);
    assert.deepEqual(boundBy, { level: 'machine', file: 'os.totalmem()' });
    assert.deepEqual(hintsMissing, ['kernel uevents exist on Linux only; memory is polled']);
    assert.deepEqual(news.slice(-1), ['grow arrival']);
    assert.ok(size > 8 * GiB, `${size}`);
  });
}
