// hotadd as it is installed, for the guest: the built package and the packages that it needs at run time, in
// the folders where Node looks for them.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LabError } from '../lab-error.ts';
import { packageRoot } from '../package-root.ts';

/** Of the package itself only what runs; docs and examples stay here. */
const SHIPPED = ['bin', 'dist', 'schema', 'package.json'];
/** Where every folder of the cargo, and by a link every file in /tmp, finds it by its name. */
const MODULES = 'node_modules';
export const HOTADD_BIN = `/cargo/${MODULES}/hotadd/bin/hotadd.js`;

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Folder in /cargo -> folder of this machine. @throws LabError when the package is not built. */
export function hotaddFolders(): Record<string, string> {
  const root = packageRoot();
  if (!existsSync(join(root, 'dist', 'cli', 'main.js'))) {
    throw new LabError(`${root}: hotadd is not built`, { mend: 'npm run build' });
  }
  const folders: Record<string, string> = {};
  for (const name of SHIPPED) {
    const path = join(root, name);
    if (existsSync(path)) folders[`${MODULES}/hotadd/${name}`] = path;
  }
  const visit = (folder: string) => {
    for (const name of needsOf(folder)) {
      const found = findPackage(name, folder);
      if (found === null || folders[`${MODULES}/${name}`] !== undefined) continue;
      folders[`${MODULES}/${name}`] = found;
      visit(found);
    }
  };
  visit(root);
  return folders;
}

/** Optional and peer packages that are not installed here are left out, as they are here. */
function needsOf(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
}

function findPackage(name: string, from: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name);
    if (existsSync(join(path, 'package.json'))) return path;
    if (folder === dirname(folder)) return null;
  }
}
