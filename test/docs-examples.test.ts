// Runs the tests among the examples, as a user of the package would write them.
import { pathToFileURL } from 'node:url';
import './hotadd-sources.ts';
import { listFiles, ROOT } from './repository.ts';

const isUnitTest = (path: string) =>
  path.endsWith('.test.ts') || /^examples\/unit-test\/.*\.test\.js$/.test(path);
const examples = listFiles('examples').filter(isUnitTest);
if (examples.length === 0) throw new Error('no test was found among the examples');
for (const path of examples) await import(pathToFileURL(`${ROOT}/${path}`).href);
