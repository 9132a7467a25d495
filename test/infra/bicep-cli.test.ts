import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BICEP_VERSION, type BicepPlace, findBicep, parseBicepVersion } from '../../infra/bicep-cli.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keyturn-bicep-'));
  await mkdir(path.join(folder, 'bin'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A command on PATH that does what the shell script says. */
async function command(name: string, script: string): Promise<void> {
  const file = path.join(folder, 'bin', name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

const bicepThatSays = (version: string) => command('bicep', `echo "Bicep CLI version ${version} (0123456789)"`);

const place = (): BicepPlace => ({
  environment: { PATH: path.join(folder, 'bin') },
  platform: 'linux',
  arch: 'x64',
  cacheFolder: path.join(folder, 'cache'),
});

const PACKAGE = `cache/azure.bicep.commandline.linux-x64/${BICEP_VERSION}/tools/bicep`;

/** Puts the executable where `dotnet restore` would. */
const dotnetThatRestores = () => {
  const file = path.join(folder, PACKAGE);
  return command('dotnet', `/bin/mkdir -p "${path.dirname(file)}" && echo restored > "${file}"`);
};

describe('the Bicep CLI', () => {
  it.each([
    ['Bicep CLI version 0.49.2 (b34271ac51)\n', '0.49.2'],
    ['Bicep CLI version 0.5.10 (x)', '0.5.10'],
    ['0.49.2', undefined],
    ['', undefined],
  ])('tells its version: %j', (output, version) => {
    expect(parseBicepVersion(output)).toBe(version);
  });

  it('is the one on PATH when that is the pinned version', async () => {
    await bicepThatSays(BICEP_VERSION);
    expect(findBicep(place())).toBe('bicep');
  });

  it.each([['0.30.1'], [undefined]])('is restored from NuGet when PATH has %s', async (version) => {
    if (version !== undefined) await bicepThatSays(version);
    await dotnetThatRestores();
    const executable = path.join(folder, PACKAGE);
    expect(findBicep(place())).toBe(executable);
    const project = await readFile(path.join(folder, 'cache/bicep.csproj'), 'utf8');
    expect(project).toContain(
      `<PackageDownload Include="azure.bicep.commandline.linux-x64" Version="[${BICEP_VERSION}]" />`,
    );
    // A second time, nothing is fetched.
    await command('dotnet', 'exit 1');
    expect(findBicep(place())).toBe(executable);
  });

  it('is named, with what is missing and where to get it, when there is no way to it', async () => {
    expect(() => findBicep(place())).toThrow(
      /0\.49\.2 is needed: it is not on PATH, and the \.NET SDK.* not installed/,
    );
    await bicepThatSays('0.30.1');
    expect(() => findBicep(place())).toThrow(/the one on PATH is 0\.30\.1/);
    await command('dotnet', 'echo "NU1301: no route to api.nuget.org"; exit 1');
    expect(() => findBicep(place())).toThrow(/could not be fetched from NuGet:\nNU1301: no route to api\.nuget\.org/);
    expect(() => findBicep(place())).toThrow('github.com/Azure/bicep/releases/tag/v0.49.2');
  });
});
