// The files of a simulated kernel: texts that are made when they are read, in folders with inode numbers. A
// folder that is made again has another number, as a cgroup has.

export interface FileSim {
  read(): string;
  /** Absent: writing replaces the text. Throws what the kernel would. */
  write?(text: string): void;
}

export class FilesSim {
  readonly #files = new Map<string, FileSim>();
  /** Names in each folder, with the folder's inode number. */
  readonly #folders = new Map<string, { readonly inode: number; readonly names: Map<string, number> }>();
  #inodes = 1;

  get(path: string): FileSim | undefined {
    return this.#files.get(path);
  }

  set(path: string, file: FileSim): void {
    if (!this.#files.has(path)) this.#enter(path);
    this.#files.set(path, file);
  }

  /** Takes a file away, or a folder with all that is in it. */
  remove(path: string): void {
    for (const name of this.list(path) ?? []) this.remove(`${path}/${name}`);
    if (this.#files.delete(path)) this.#leave(path);
  }

  /** `undefined`: there is no such folder. */
  list(path: string): string[] | undefined {
    const names = this.#folders.get(path)?.names.keys();
    return names === undefined ? undefined : [...names];
  }

  /** Of a file the number is always the same; `undefined`: there is neither. */
  inode(path: string): number | undefined {
    return this.#folders.get(path)?.inode ?? (this.#files.has(path) ? 1 : undefined);
  }

  #enter(path: string): void {
    for (let end = path.lastIndexOf('/'), child = path; end >= 0; end = child.lastIndexOf('/')) {
      const above = child.slice(0, end);
      const name = child.slice(end + 1);
      let folder = this.#folders.get(above);
      if (folder === undefined) {
        this.#inodes += 1;
        folder = { inode: this.#inodes, names: new Map() };
        this.#folders.set(above, folder);
      }
      folder.names.set(name, (folder.names.get(name) ?? 0) + 1);
      child = above;
    }
  }

  #leave(path: string): void {
    for (let end = path.lastIndexOf('/'), child = path; end >= 0; end = child.lastIndexOf('/')) {
      const above = child.slice(0, end);
      const name = child.slice(end + 1);
      const names = this.#folders.get(above)?.names;
      const left = (names?.get(name) ?? 0) - 1;
      if (left > 0) names?.set(name, left);
      else names?.delete(name);
      if (names?.size === 0) this.#folders.delete(above);
      child = above;
    }
  }
}

/**
 * What the kernel throws: an error with its code. A reading meets files that are not there every time, and a
 * stack costs more than all else that it does: these errors have none.
 */
export function kernelError(code: string, path: string): Error {
  const what =
    code === 'ENOENT' ? 'no such file or directory' : code === 'EACCES' ? 'permission denied' : 'write';
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const error = new Error(`${code}: ${what}, '${path}'`);
  Error.stackTraceLimit = stackTraceLimit;
  return Object.assign(error, { code });
}
