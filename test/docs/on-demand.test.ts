import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runInNewContext } from 'node:vm';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { parseTenantId } from '../../src/domain/ids.ts';
import { decodeMessageBody } from '../../src/domain/message-body.ts';
import { REQUEST_FIELDS, TARGET_FORMS } from '../../src/domain/request-fields.ts';
import { parseRotationRequest } from '../../src/domain/rotation-request.ts';

const DOCS = path.join(import.meta.dirname, '../../docs');
const text = readFileSync(path.join(DOCS, 'on-demand.md'), 'utf8');
const tenantId = parseTenantId('7e570000-0000-4000-8000-00000000abcd');

const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
addFormats.default(ajv);
const isValid = ajv.compile<unknown>(
  JSON.parse(readFileSync(path.join(DOCS, 'rotation-request.schema.json'), 'utf8')) as object,
);

type Json = Readonly<Record<string, unknown>>;

/** What stands between the fences of that language. */
function blocks(language: string): readonly string[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, of, body]) =>
    of === language && body !== undefined ? [body] : [],
  );
}

function verdicts(message: unknown) {
  const parsed = parseRotationRequest(message, { tenantId });
  return { problems: 'problems' in parsed ? parsed.problems : [], valid: isValid(message) };
}

const GOOD = { problems: [], valid: true };

/** The text of a Put Message body, as the service unpacks it. */
function messageTextIn(xml: string): string {
  const [, inside] = /^<QueueMessage><MessageText>([^<>]*)<\/MessageText><\/QueueMessage>$/.exec(xml) ?? [];
  if (inside === undefined) throw new Error(`not a Put Message body: ${xml}`);
  if (/&(?!(?:amp|lt|gt);)/.test(inside)) throw new Error(`not escaped: ${inside}`);
  return inside.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');
}

const json = blocks('json').map((block) => JSON.parse(block) as Json);
const messages = json.filter((block) => 'targets' in block);
const actions = json.filter((block) => 'inputs' in block);

function keysOf(value: object): string {
  return Object.keys(value).sort().join(' ');
}

describe('docs/on-demand.md', () => {
  it('has messages and one Logic App action in its JSON blocks, and nothing else', () => {
    expect([messages.length, actions.length, json.length]).toEqual([2, 1, 3]);
  });

  it.each(messages.map((message) => [message]))(
    'shows messages that the parser and the schema accept: %j',
    (message) => {
      expect(verdicts(message)).toEqual(GOOD);
    },
  );

  it('shows every form a target may take, and every property of a request but the tenant', () => {
    const shown = messages.flatMap(({ targets }) => targets as readonly object[]).map(keysOf);
    expect(new Set(shown)).toEqual(new Set(TARGET_FORMS.map((form) => [...form].sort().join(' '))));
    const properties = new Set(messages.flatMap((message) => Object.keys(message)));
    expect([...properties, 'tenantId'].sort()).toEqual([...Object.keys(REQUEST_FIELDS), 'targets'].sort());
  });

  it('has a Logic App action that wraps base64 of the message as the service wants it', () => {
    const { body } = (actions[0]?.inputs ?? {}) as { body?: string };
    const sent = (body ?? '').replace(
      /@\{base64\([^}]*\)\}/,
      Buffer.from(JSON.stringify(messages[0])).toString('base64'),
    );
    expect(verdicts(decodeMessageBody(messageTextIn(sent)))).toEqual(GOOD);
  });

  it.each([
    ['an ordinary ticket', 'LT-FRA-00042', 'Ada Lovelace'],
    [
      'names with the characters that XML and JSON escape',
      'R&D "lab" <1>',
      "O'Neil & Söhne <ada@contoso.com> \\ &amp;",
    ],
  ])('has a ServiceNow script that sends %s as it is', (_, device, person) => {
    const sent = runServiceNow(blocks('js')[0] ?? '', device, person);
    expect(sent).toMatchObject({ method: 'POST', headers: { 'x-ms-version': '2021-12-02' }, errors: [] });
    expect(sent.url).toBe('https://account.queue.core.windows.net/rotation-requests/messages?messagettl=-1&sv=1&sig=2');
    const message = decodeMessageBody(messageTextIn(sent.body));
    expect(verdicts(message)).toEqual(GOOD);
    expect(message).toMatchObject({
      requestId: '9d385017-c611-2281-6400-05d3fb44c4d2',
      requestedBy: person,
      targets: [{ deviceName: device }],
    });
  });
});

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly errors: readonly string[];
}

/** The script in a room of its own, with stand-ins for what ServiceNow gives it; the service takes the message. */
function runServiceNow(script: string, device: string, person: string): Sent {
  const errors: string[] = [];
  const headers: Record<string, string> = {};
  const sent = { method: '', url: '', body: '' };
  const properties: Readonly<Record<string, string>> = {
    'keyturn.queue.url': 'https://account.queue.core.windows.net/rotation-requests',
    'keyturn.queue.sas': 'sv=1&sig=2',
  };
  function createMessage() {
    return {
      setHttpMethod: (method: string) => void Object.assign(sent, { method }),
      setEndpoint: (url: string) => void Object.assign(sent, { url }),
      setRequestHeader: (name: string, value: string) => void Object.assign(headers, { [name]: value }),
      setRequestBody: (body: string) => void Object.assign(sent, { body }),
      execute: () => ({ getStatusCode: () => 201, getBody: () => '' }),
    };
  }
  runInNewContext(script, {
    current: {
      getUniqueValue: () => '9d385017c6112281640005d3fb44c4d2',
      getValue: () => 'INC0012345',
      getDisplayValue: (field: string) => (field === 'cmdb_ci' ? device : person),
    },
    gs: { getProperty: (name: string) => properties[name], error: (line: string) => void errors.push(line) },
    sn_ws: {
      RESTMessageV2: function RESTMessageV2() {
        return createMessage();
      },
    },
  });
  return { ...sent, headers, errors };
}
