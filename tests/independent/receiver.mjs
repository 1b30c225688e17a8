// A receiver of Kaisa's webhooks as a Node.js developer writes it, from docs/contract.md alone.
// Set by the environment: KEY (public key, PEM), DIGEST, PADDING, ENCODING, TLS_CERT, TLS_KEY, BOOK (a file that each
// delivery it reads is added to, as a JSON list of [name, value]). Prints the port it listens on.
import { constants, createHash, createPublicKey, verify } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const { KEY, DIGEST, PADDING, ENCODING, TLS_CERT, TLS_KEY, BOOK } = process.env;
const LARGEST = 262144;
const key = {
  key: createPublicKey(readFileSync(KEY)),
  ...(PADDING === 'pss' && { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }),
};

class Refusal extends Error {
  constructor(status, title) {
    super(title);
    this.status = status;
  }
}

/** The names and values of a form, decoded once; decodeURIComponent throws for what is no UTF-8. */
function form(body) {
  const pairs = body.split('&').filter(Boolean).map((pair) => {
    const [, name, value] = /^([^=]*)=?(.*)$/s.exec(pair.replaceAll('+', ' '));
    return [decodeURIComponent(name), decodeURIComponent(value)];
  });
  if (new Set(pairs.map(([name]) => name)).size < pairs.length) throw new Refusal(400, 'a name is given twice');
  return pairs;
}

/** The names and values of a JSON object. */
function json(body) {
  const value = JSON.parse(body);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Refusal(400, 'no JSON object');
  return Object.entries(value);
}

function read(reader, body) {
  try {
    const pairs = reader(body);
    if (!pairs.length) throw new Refusal(400, 'no data');
    return pairs;
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal(400, error.message);
  }
}

function isSigned(payload, sign) {
  if (typeof sign !== 'string') return false;
  const signature = Buffer.from(sign, ENCODING);
  const isExact = signature.toString(ENCODING) === sign.replace(ENCODING === 'base64url' ? /=+$/ : '', '');
  return isExact && verify(DIGEST, Buffer.from(payload), key, signature);
}

function receive(request, body) {
  if (request.method !== 'POST') throw new Refusal(405, 'POST only');
  const type = (request.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  const reader = { 'application/x-www-form-urlencoded': form, 'application/json': json }[type];
  if (!reader) throw new Refusal(415, 'form or JSON');
  if (!body) throw new Refusal(413, 'too large');
  const { payload, sign } = Object.fromEntries(read(reader, new TextDecoder('utf-8').decode(body)));
  if (typeof payload !== 'string' || sign === undefined || sign === null || sign === '') throw new Refusal(401, 'not signed');
  if (!isSigned(payload, sign)) throw new Refusal(403, 'wrongly signed');
  appendFileSync(BOOK, `${JSON.stringify(read(reader, payload))}\n`);
  return { append: `node ${createHash('sha256').update(payload).digest('hex').slice(0, 12)}` };
}

/** The whole body; null if it is too large, of which nothing is kept. */
async function bodyOf(request) {
  let chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > LARGEST) chunks = null;
    chunks?.push(chunk);
  }
  return chunks && Buffer.concat(chunks);
}

const server = createServer({ cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) }, async (request, response) => {
  const headers = { 'Content-Type': 'application/json' };
  try {
    const answer = receive(request, await bodyOf(request));
    response.writeHead(200, headers).end(JSON.stringify(answer));
  } catch (error) {
    const status = error instanceof Refusal ? error.status : 500;
    headers['Content-Type'] = 'application/problem+json';
    if (status === 405) headers.Allow = 'POST';
    response.writeHead(status, headers).end(JSON.stringify({ status, title: error.message }));
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
