/** Finds the Bicep CLI of the pinned version: on PATH, or restored from NuGet into a cache folder. Layer: deployment. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** Another version makes other output: the committed template and snapshots are this one's. */
export const BICEP_VERSION = '0.49.2';

/** Why there is no CLI, in words that say what to install. */
export class BicepMissingError extends Error {
  override readonly name = 'BicepMissingError';
}

export interface BicepPlace {
  /** `PATH` and what the restore needs; names as in `process.env`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** Where restored packages are kept, outside of the checkout. */
  readonly cacheFolder: string;
}

/** This machine, with the cache where its user keeps caches. */
export function thisMachine(): BicepPlace {
  const environment = process.env;
  const caches = environment.XDG_CACHE_HOME ?? path.join(homedir(), '.cache');
  return {
    environment,
    platform: process.platform,
    arch: process.arch,
    cacheFolder: path.join(caches, 'keyturn-bicep'),
  };
}

/** `Bicep CLI version 0.49.2 (b34271ac51)` → `0.49.2`; `undefined` for anything else. */
export function parseBicepVersion(output: string): string | undefined {
  return /^Bicep CLI version (\d+\.\d+\.\d+)\b/m.exec(output)?.[1];
}

/** Source: nuget.org, packages `Azure.Bicep.CommandLine.*` (read 2026-11-22). */
const SYSTEMS: Readonly<Partial<Record<NodeJS.Platform, string>>> = { linux: 'linux', darwin: 'osx', win32: 'win' };

/** @throws {BicepMissingError} */
export function findBicep(place: BicepPlace): string {
  const onPath = versionOf('bicep', place);
  if (onPath === BICEP_VERSION) return 'bicep';
  const found = onPath === undefined ? 'it is not on PATH' : `the one on PATH is ${onPath}`;
  const system = SYSTEMS[place.platform];
  const name = `azure.bicep.commandline.${system}-${place.arch}`;
  const folder = path.join(place.cacheFolder, name, BICEP_VERSION);
  const executable = path.join(folder, 'tools', system === 'win' ? 'bicep.exe' : 'bicep');
  if (!existsSync(executable)) restore(place, name, found);
  if (!existsSync(executable)) throw missing(found, `the package ${name} ${BICEP_VERSION} holds no ${executable}`);
  // Packages carry no permissions of their own on every system.
  chmodSync(executable, 0o755);
  return executable;
}

function versionOf(command: string, { environment }: BicepPlace): string | undefined {
  const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8', env: { ...environment } });
  return parseBicepVersion(stdout ?? '');
}

/** A project that downloads one package, of exactly this version, and references nothing. */
function restore(place: BicepPlace, name: string, found: string): void {
  mkdirSync(place.cacheFolder, { recursive: true });
  const project = path.join(place.cacheFolder, 'bicep.csproj');
  writeFileSync(
    project,
    `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>netstandard2.0</TargetFramework>
    <DisableImplicitFrameworkReferences>true</DisableImplicitFrameworkReferences>
  </PropertyGroup>
  <ItemGroup>
    <PackageDownload Include="${name}" Version="[${BICEP_VERSION}]" />
  </ItemGroup>
</Project>
`,
  );
  const { error, status, stdout, stderr } = spawnSync(
    'dotnet',
    ['restore', project, '--packages', place.cacheFolder, '--nologo'],
    { encoding: 'utf8', env: { ...place.environment } },
  );
  if (error !== undefined) throw missing(found, 'the .NET SDK, which could fetch it from NuGet, is not installed');
  if (status !== 0) throw missing(found, `it could not be fetched from NuGet:\n${stdout}${stderr}`);
}

function missing(found: string, why: string): BicepMissingError {
  return new BicepMissingError(
    `The Bicep CLI ${BICEP_VERSION} is needed: ${found}, and ${why}.\n` +
      `Put that version on PATH (https://github.com/Azure/bicep/releases/tag/v${BICEP_VERSION}), or install the .NET SDK.`,
  );
}
