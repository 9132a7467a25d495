/** Where Keyturn is installed: the folder of its package.json, from the sources and from `dist` alike. Layer: cli. */
import { existsSync } from 'node:fs';
import path from 'node:path';

/** The nearest folder upwards that holds a host.json: the function app's root. @throws {Error} when there is none. */
export function findPackageRoot(from: string = import.meta.dirname): string {
  for (let folder = from; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'host.json'))) return folder;
    if (path.dirname(folder) === folder) throw new Error(`no host.json above ${from}: the installation is incomplete`);
  }
}
