/** The rules of the layout as data, and a checker that reads one source file and says what breaks them. */
import path from 'node:path';

/** Where a source file belongs. Checked in order: the first pattern that matches the path decides. */
interface Layer {
  readonly name: string;
  readonly files: RegExp;
  /** Layers it may import from, besides its own. */
  readonly mayImport: readonly string[];
  /** Packages and built-in modules it may import; a name that ends in `*` stands for all that begin so. */
  readonly packages: readonly string[];
}

/** Arrows: `functions, cli, local → app → domain ← graph, storage, system`, and `graph, storage → outbound`; `composition` wires them; the simulator stands apart. */
export const LAYERS: readonly Layer[] = [
  {
    name: 'functions',
    files: /^functions\//,
    mayImport: ['app', 'composition', 'domain'],
    packages: ['@azure/functions'],
  },
  {
    name: 'composition',
    files: /^src\/(composition(-[\w-]+)?|services)\.ts$/,
    mayImport: ['app', 'config', 'domain', 'graph', 'notify', 'outbound', 'storage', 'system'],
    packages: ['*'],
  },
  {
    name: 'config',
    files: /^src\/(config(-[\w-]+)?|version)\.ts$/,
    mayImport: ['domain'],
    packages: ['croner', 'luxon'],
  },
  { name: 'domain', files: /^src\/domain\//, mayImport: [], packages: ['picomatch'] },
  {
    name: 'app',
    files: /^src\/app\//,
    mayImport: ['domain'],
    packages: ['luxon', 'node:crypto', 'node:util', 'node:zlib', 'p-limit'],
  },
  {
    name: 'graph',
    files: /^src\/graph\//,
    mayImport: ['domain', 'outbound'],
    packages: ['@azure/abort-controller', '@azure/core-*', 'luxon', 'node:*', 'p-limit', 'zod'],
  },
  {
    name: 'storage',
    files: /^src\/storage\//,
    mayImport: ['domain', 'outbound'],
    packages: ['@azure/core-*', '@azure/data-tables', '@azure/storage-*', 'node:*', 'p-limit', 'zod'],
  },
  {
    name: 'outbound',
    files: /^src\/outbound\//,
    mayImport: ['domain'],
    packages: ['@azure/core-auth', '@azure/core-rest-pipeline', '@azure/identity', 'node:http', 'node:https'],
  },
  { name: 'notify', files: /^src\/notify\//, mayImport: ['domain'], packages: ['@azure/core-rest-pipeline'] },
  { name: 'system', files: /^src\/system\//, mayImport: ['domain'], packages: ['node:*', 'pino'] },
  // Knows nothing of the adapters it is there to test, so that a mistake in one is not repeated in the other. The pipeline's
  // `HttpClient` is how it takes the network's place.
  {
    name: 'simulator',
    files: /^src\/simulator\//,
    mayImport: ['domain'],
    packages: ['@azure/abort-controller', '@azure/core-*', 'node:*'],
  },
  {
    name: 'local',
    files: /^src\/local\//,
    mayImport: ['app', 'composition', 'config', 'domain', 'simulator'],
    packages: ['*'],
  },
  {
    name: 'cli',
    files: /^src\/cli\//,
    mayImport: ['app', 'composition', 'config', 'domain', 'local', 'simulator'],
    packages: ['*'],
  },
];

/** What may appear in some files only: `allowed` says in which. Comments do not count. */
interface Reserved {
  readonly pattern: RegExp;
  readonly allowed: RegExp;
  readonly because: string;
}

const MACHINE = /^src\/(system|local|simulator)\//;

export const RESERVED: readonly Reserved[] = [
  {
    pattern: /^\s*import (?!type\b)[^;]*from '@azure\/identity'/gm,
    allowed: /^$/,
    because: 'the identity library is loaded when a token is first asked for',
  },
  {
    pattern: /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bDateTime\.(now|local\(\)|utc\(\))|\bhrtime\b/g,
    allowed: MACHINE,
    because: 'time comes from a Clock',
  },
  {
    pattern: /\bset(Timeout|Interval)\b|\bAbortSignal\.timeout\b|'(node:)?timers(\/promises)?'/g,
    allowed: MACHINE,
    because: 'waiting is done on a Clock',
  },
  {
    pattern: /\bMath\.random\b|\brandomUUID\b|\brandom(Bytes|Int)\b|\bgetRandomValues\b/g,
    allowed: MACHINE,
    because: 'randomness comes from a Random',
  },
  {
    pattern: /\bprocess\.env\b|\{[^}]*\benv\b[^}]*\} = process\b/g,
    allowed: /^src\/(config\.ts|local\/|simulator\/)/,
    because: 'the environment is read by readEnvironment() in config.ts',
  },
  {
    pattern: /\bselect=[^'"`&\s]*(?<![a-z])key(?![a-z])|\bselect\b['"]?\s*[:=,]\s*\[?[^\])};]*['"]key['"]/gi,
    allowed: /^src\/simulator\//,
    because: 'no request selects key material',
  },
  {
    pattern: /recovery_?password/gi,
    allowed:
      /^src\/(simulator\/|domain\/(recovery-password|escrow)\.ts|graph\/escrow\.ts|app\/escrow\/|cli\/(escrow\/|commands\/escrow-))/,
    because: 'nothing on the rotation path has a name for the recovery password',
  },
  {
    pattern: /\breveal\w*/g,
    allowed: /^src\/(domain\/recovery-password|graph\/escrow)\.ts$/,
    because: 'only the escrow adapter reveals a recovery password',
  },
  {
    pattern: /'[^']*\/(recovery-password|escrow(-[\w-]+)?)\.ts'|'[^']*\/escrow\/[^']*'/g,
    allowed:
      /^src\/(services\.ts|domain\/escrow\.ts|graph\/escrow\.ts|app\/escrow\/|cli\/(escrow\/|commands\/escrow-|program\.ts|context\.ts|explain-error\.ts))|^src\/simulator\//,
    because: 'escrow stays off the rotation path',
  },
];

/** The source with comments blanked out, line by line as long as before. Texts stay. */
export function withoutComments(source: string): string {
  const parts = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  return source.replace(parts, (part) => (/^\/[*/]/.test(part) ? part.replace(/[^\n]/g, ' ') : part));
}

const lineOf = (source: string, index: number): number => source.slice(0, index).split('\n').length;

const layerOf = (file: string): Layer | undefined => LAYERS.find((layer) => layer.files.test(file));

function isListed(name: string, list: readonly string[]): boolean {
  return list.some((entry) => (entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : name === entry));
}

/** The package a bare specifier belongs to: `@scope/name` or `name`; built-in modules whole. */
function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** What is wrong with importing `specifier` from `file`, if anything. */
function importProblem(file: string, layer: Layer, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) {
    const name = packageOf(specifier);
    return isListed(name, layer.packages) ? undefined : `${layer.name} must not use the package ${name}`;
  }
  const target = path.posix.join(path.posix.dirname(file), specifier);
  const to = layerOf(target);
  if (to === undefined) return `${layer.name} must not import ${target}, which belongs to no layer`;
  if (to === layer || layer.mayImport.includes(to.name)) return undefined;
  return `${layer.name} must not import from ${to.name} (${target})`;
}

/** Every broken rule in one file, as `file:line what is wrong`. `file` is relative to the repository, with slashes. */
export function violationsOf(file: string, source: string): readonly string[] {
  const layer = layerOf(file);
  if (layer === undefined) return [`${file}: belongs to no layer; see LAYERS in test/architecture/rules.ts`];
  const code = withoutComments(source);
  const imports = [...code.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'([^']+)'/g)].flatMap((match) => {
    const problem = importProblem(file, layer, match[1] ?? '');
    return problem === undefined ? [] : [`${file}:${lineOf(code, match.index)} ${problem}`];
  });
  const reserved = RESERVED.filter(({ allowed }) => !allowed.test(file)).flatMap(({ pattern, because }) =>
    [...code.matchAll(pattern)].map(
      (match) => `${file}:${lineOf(code, match.index)} must not use ${match[0].replace(/\s+/g, ' ')}: ${because}`,
    ),
  );
  return [...imports, ...reserved];
}
