// Writes schema/hotadd.schema.json, which editors use to complete hotadd.yaml. Run it after a change of
// src/agent/config-schema.ts or of the options of a driver; a test fails until it has been run.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publishedSchema } from '../src/agent/config-schema.ts';
import { DRIVERS } from '../src/drivers/list.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const path = join(ROOT, 'schema', 'hotadd.schema.json');
mkdirSync(dirname(path), { recursive: true });
writeFileSync(path, `${JSON.stringify(publishedSchema(DRIVERS), null, 2)}\n`);
