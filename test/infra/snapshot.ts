/** The evaluated deployments that are committed beside the templates, for tests to read. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export const INFRA = path.join(import.meta.dirname, '../../infra');

/** A resource as Azure would be asked for it. Values that only Azure knows are expressions in brackets. */
export interface Resource {
  readonly id?: string;
  readonly type: string;
  readonly name?: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly [property: string]: unknown;
}

export interface Snapshot {
  readonly text: string;
  readonly resources: readonly Resource[];
  readonly outputs: Readonly<Record<string, unknown>>;
  /** The resources of that type, in the order of their ids. */
  all(type: string): readonly Resource[];
  /** The only resource of that type. */
  the(type: string): Resource;
}

/** `name` as in `main.snapshot.json`. Written by `npm run infra:check -- --write`. */
export function readSnapshot(name: string): Snapshot {
  const text = readFileSync(path.join(INFRA, `${name}.snapshot.json`), 'utf8');
  const { predictedResources, outputs } = JSON.parse(text) as {
    readonly predictedResources: readonly (Omit<Resource, 'properties'> & Partial<Pick<Resource, 'properties'>>)[];
    readonly outputs: Readonly<Record<string, unknown>>;
  };
  const resources = predictedResources.map((resource) => ({ properties: {}, ...resource }) as Resource);
  const all = (type: string) => resources.filter((resource) => resource.type === type);
  function the(type: string): Resource {
    const [resource, ...more] = all(type);
    if (resource === undefined || more.length > 0)
      throw new Error(`${name}: ${all(type).length} resources are ${type}`);
    return resource;
  }
  return { text, resources, outputs, all, the };
}

/** The last part of each resource's name, sorted. */
export function lastNames(resources: readonly Resource[]): readonly string[] {
  return resources.map(({ name }) => name?.split('/').at(-1) ?? '').sort();
}
