// Writes schema/hotadd.schema.json, which editors use to complete and check hotadd.yaml. `npm run build` calls
// it; the schema itself comes from the same definition that checks the file (src/agent/config-schema.ts).
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { publishedSchema } from '../src/agent/config-schema.ts';
import { DRIVERS } from '../src/drivers/list.ts';

const file = join(import.meta.dirname, '..', 'schema', 'hotadd.schema.json');
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(publishedSchema(DRIVERS), null, 2)}\n`);
