/** OData query options as far as these endpoints understand them. Layer: simulator. */

export interface FilterClause {
  readonly property: string;
  readonly operator: 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le';
  /** Quoted values without their quotes. */
  readonly value: string;
  readonly quoted: boolean;
}

export interface ODataQuery {
  /** Absent: everything. */
  readonly select?: readonly string[];
  readonly filter: readonly FilterClause[];
  readonly top?: number;
  readonly skipToken?: string;
  /** One relationship, with a selection of its own or all of it. */
  readonly expand?: { readonly name: string; readonly select?: readonly string[] };
}

/** An option, or a value, that the endpoint does not take. `message` is fit for a Graph error. */
export interface QueryProblem {
  readonly problem: string;
}

const EXPAND = /^(\w+)(?:\(\$select=([\w.@]+(?:,[\w.@]+)*)\))?$/;
const CLAUSE = /^(\w+) (eq|ne|gt|ge|lt|le) (?:'((?:[^']|'')*)'|([^\s']+))$/;

/** Reads the options in `allowed` (such as `$select`); any other option is a problem. */
export function parseQuery(params: URLSearchParams, allowed: readonly string[]): ODataQuery | QueryProblem {
  let select: string[] | undefined;
  let filter: FilterClause[] = [];
  let top: number | undefined;
  let skipToken: string | undefined;
  let expand: ODataQuery['expand'];
  for (const [name, value] of params) {
    if (name !== '$skiptoken' && !allowed.includes(name)) return { problem: `query option '${name}' is not supported` };
    switch (name) {
      case '$select':
        select = value.split(',').map((property) => property.trim());
        break;
      case '$filter': {
        const clauses = parseFilter(value);
        if ('problem' in clauses) return clauses;
        filter = clauses.clauses;
        break;
      }
      case '$top':
        top = Number(value);
        if (!Number.isInteger(top) || top < 1) return { problem: `invalid value '${value}' for $top` };
        break;
      case '$expand': {
        const match = EXPAND.exec(value);
        if (match === null) return { problem: `$expand '${value}' is not supported` };
        expand = { name: match[1] as string, ...(match[2] === undefined ? {} : { select: match[2].split(',') }) };
        break;
      }
      case '$skiptoken':
        skipToken = value;
        break;
      default:
        return { problem: `query option '${name}' is not supported` };
    }
  }
  return {
    filter,
    ...(select === undefined ? {} : { select }),
    ...(top === undefined ? {} : { top }),
    ...(skipToken === undefined ? {} : { skipToken }),
    ...(expand === undefined ? {} : { expand }),
  };
}

/** Clauses joined with `and`; nothing else is supported. */
function parseFilter(text: string): { readonly clauses: FilterClause[] } | QueryProblem {
  const clauses: FilterClause[] = [];
  // Splits at " and " outside quotes: an even number of quotes follows.
  for (const part of text.split(/ and (?=(?:[^']*'[^']*')*[^']*$)/)) {
    const match = CLAUSE.exec(part.trim());
    if (match === null) return { problem: `$filter clause '${part.trim()}' is not supported` };
    const quoted = match[3] !== undefined;
    clauses.push({
      property: match[1] as string,
      operator: match[2] as FilterClause['operator'],
      value: quoted ? (match[3] as string).replaceAll("''", "'") : (match[4] as string),
      quoted,
    });
  }
  return { clauses };
}

/** Compares the way Graph does: text in any letter case. */
export function matchesText(clause: FilterClause, actual: string): boolean {
  const same = actual.toLowerCase() === clause.value.toLowerCase();
  return clause.operator === 'ne' ? !same : same;
}

/** Compares instants. */
export function matchesInstant(clause: FilterClause, actualMs: number): boolean {
  const wantedMs = Date.parse(clause.value);
  switch (clause.operator) {
    case 'eq':
      return actualMs === wantedMs;
    case 'ne':
      return actualMs !== wantedMs;
    case 'gt':
      return actualMs > wantedMs;
    case 'ge':
      return actualMs >= wantedMs;
    case 'lt':
      return actualMs < wantedMs;
    case 'le':
      return actualMs <= wantedMs;
  }
}
