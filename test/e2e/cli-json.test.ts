// What `--json` prints is what docs/reference/cli.md says it holds: no field more, none less.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MACHINES, ownFolder, runEach, startCli } from '../golden/cli-process.ts';
import { assertDocumented, documentedSchemas } from '../golden/cli-reference.ts';
import { listFiles, readFile } from '../repository.ts';

const TREE = ['--root', `${MACHINES}/x86_64-2g-offline-blocks`];

test('json: every schema that a command prints has a section, and every section a command', () => {
  const sources = listFiles('src/cli').map(readFile).join('\n');
  const printed = [...sources.matchAll(/\.value\(\s*'([a-z]+)'/g)].map((match) => `hotadd.${match[1]}/1`);
  const known = [...new Set(printed)].filter((schema) => schema !== 'hotadd.error/1').sort();
  assert.ok(known.length >= 10, known.join(' '));
  assert.deepEqual(documentedSchemas().sort(), known);
});

test('json: values have the fields that are documented', async () => {
  const home = ownFolder();
  const config = join(home, 'hotadd.yaml');
  writeFileSync(config, `version: 1\nstate: ${home}/state\nrun: ${home}/run\n`, { mode: 0o600 });
  const agent = startCli(['run', '--json', '--config', config], { home });
  await agent.until(/"schema":"hotadd\.ready\/1".*\n/);
  const asked = ['plan', 'status', 'drivers', 'history'].map((name) => [name, '--json', '--config', config]);
  const ran = await runEach([['memory', '--json', ...TREE], ...asked], { home });
  agent.child.kill('SIGTERM');
  const log = (await agent.ended).stdout;
  for (const { code, stdout, stderr } of ran) {
    assert.equal(code, 0, stderr);
    assertDocumented(stdout);
  }
  for (const line of log.trimEnd().split('\n')) assertDocumented(line);
  const watch = startCli(['watch', '--json', ...TREE], { home });
  await watch.until(/"what":"offline".*\n/);
  watch.child.kill('SIGINT');
  for (const line of (await watch.ended).stdout.trimEnd().split('\n')) assertDocumented(line);
});
