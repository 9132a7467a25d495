/** The scripts that `docs/evidence.md` gives to those who trust none of ours. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';

/** The code block of that language. @throws {Error} when there is none. */
export async function documentedScript(language: 'js' | 'python'): Promise<string> {
  const text = await readFile(new URL('../../docs/evidence.md', import.meta.url), 'utf8');
  const script = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1];
  if (script === undefined) throw new Error(`docs/evidence.md has no script in ${language}`);
  return script;
}

export interface Said {
  readonly code: number;
  readonly said: string;
}

/** What the script says of the evidence, which is put beside it. */
export async function runDocumented(program: string, script: string, evidence: Buffer): Promise<Said> {
  const name = `${script}.csv`;
  await writeFile(name, evidence);
  return new Promise((resolve) => {
    const child = execFile(program, [script, name], (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, said: stdout + stderr }),
    );
  });
}
