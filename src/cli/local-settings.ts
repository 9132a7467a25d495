/** Reads `local.settings.json` as Core Tools does. Layer: cli. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Environment } from '../config.ts';
import { UsageError } from './usage-error.ts';

const FILE = 'local.settings.json';

/**
 * The environment with the file's `Values` added; what is set already stays, as in Core Tools. Without a file, the environment.
 * @throws {UsageError} when the file is not usable.
 */
export async function withLocalSettings(environment: Environment, directory: string): Promise<Environment> {
  const file = path.join(directory, FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return environment;
    throw new UsageError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { ...parseLocalSettings(text, file), ...set(environment) };
}

function set(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''));
}

/** The strings in `Values`. The message quotes nothing of the file, which may hold keys. @throws {UsageError} */
export function parseLocalSettings(text: string, file: string): Readonly<Record<string, string>> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's message would quote the file.
    throw new UsageError(`${file} must be JSON, and is not.`);
  }
  const { IsEncrypted, Values } = (typeof json === 'object' && json !== null ? json : {}) as Record<string, unknown>;
  if (IsEncrypted === true) {
    throw new UsageError(
      `${file} is encrypted; decrypt it with \`func settings decrypt\`, or use environment variables.`,
    );
  }
  if (typeof Values !== 'object' || Values === null || Array.isArray(Values)) {
    throw new UsageError(`${file} must have an object called Values.`);
  }
  const wrong = Object.entries(Values).filter(([, value]) => typeof value !== 'string');
  if (wrong.length > 0) {
    throw new UsageError(
      `${file}: every value must be a string; these are not: ${wrong.map(([name]) => name).join(', ')}.`,
    );
  }
  return Values as Record<string, string>;
}
