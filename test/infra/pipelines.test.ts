import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { BICEP_VERSION } from '../../infra/bicep-cli.ts';
import { INFRA, readSnapshot } from './snapshot.ts';

const ROOT = path.join(INFRA, '..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const scripts = (JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> }).scripts;

describe('azure.yaml', () => {
  const azure = read('azure.yaml');

  it('names the service by the tag of the app that main.bicep makes', () => {
    const tags = readSnapshot('main').the('Microsoft.Web/sites').tags as Readonly<Record<string, string>>;
    expect(azure).toMatch(new RegExp(`^services:\\n(.*#.*\\n)*  ${tags['azd-service-name']}:\\n`, 'm'));
  });

  it('deploys the package that npm run package writes, after building it, and has nothing built elsewhere', () => {
    expect(azure).toContain('npm ci && npm run package');
    expect(azure).toContain('--from-package out/keyturn.zip');
    expect(azure).toContain('remoteBuild: false');
    expect(scripts.package).toContain('infra/package-app.ts');
  });
});

describe.each(readdirSync(path.join(ROOT, '.github/workflows')))('the workflow %s', (file) => {
  const workflow = read(`.github/workflows/${file}`);

  it('holds no secret: it signs in by OpenID Connect, and only in jobs that need to', () => {
    expect(workflow).not.toMatch(/secrets\.|creds:|password/i);
    const jobs = workflow.split(/\n(?= {2}[\w-]+:\n)/);
    for (const job of jobs) expect(job.includes('id-token: write')).toBe(job.includes('azure/login@'));
    expect(workflow).toMatch(/^permissions:\n {2}contents: read\n/m);
  });

  it('compiles templates with the version they are checked with, and lets a repository choose its own parameters', () => {
    if (!workflow.includes('az deployment')) return;
    expect(workflow).toContain(`az bicep install --version v${BICEP_VERSION}`);
    expect(workflow).toMatch(/ PARAMETERS: \$\{\{ vars\.KEYTURN_PARAMETERS \|\| 'infra\/main\.bicepparam' \}\}/);
    expect(workflow).toContain('--parameters "$PARAMETERS"');
  });

  it('decides on running a job by nothing that its environment holds: that is read later', () => {
    for (const [, condition = ''] of workflow.matchAll(/^ {4}if: (.*)$/gm))
      expect(condition).not.toContain('vars.AZURE_');
  });

  it('runs scripts that exist', () => {
    for (const [, name = ''] of workflow.matchAll(/npm run ([\w:-]+)/g)) expect(Object.keys(scripts)).toContain(name);
  });
});

it('a tag deploys what has passed every check, as a dry run unless somebody said otherwise', () => {
  const deploy = read('.github/workflows/deploy.yml');
  expect(deploy).toMatch(/^on:\n {2}push:\n {4}tags: \["v\*"\]\n\n/m);
  for (const step of ['npm ci', 'npm test', 'npm run infra:check', 'npm run package'])
    expect(deploy).toContain(`- run: ${step}`);
  expect(deploy).toContain("vars.ROTATION_MODE || 'dryRun'");
});
