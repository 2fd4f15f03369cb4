// Reads the zone of this pod's node from the Kubernetes API and writes it as kafka.rackId into a copy of the configuration. A rack is a saving, not a need: whatever fails, the copy
// is written without it and the node starts.
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';

const folder = process.env.RACK_FOLDER ?? '/etc/selvage/rack';
const askMs = 5_000;
const attempts = 3;

function askForNode() {
  return new Promise((resolve, reject) => {
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443', NODE_NAME: node } = process.env;
    const headers = { authorization: `Bearer ${readFileSync(`${folder}/token`, 'utf8').trim()}`, accept: 'application/json' };
    const options = { host, port, path: `/api/v1/nodes/${encodeURIComponent(node)}`, headers, ca: readFileSync(`${folder}/ca.crt`) };
    const asked = request({ ...options, signal: AbortSignal.timeout(askMs) }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text) => (body += text));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(body));
        else reject(new Error(`the API answered ${response.statusCode}`));
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

async function findRack() {
  const { RACK_LABEL: label, RACK_MAP: map = '{}' } = process.env;
  for (let attempt = 1; ; attempt++) {
    try {
      const zone = (await askForNode()).metadata?.labels?.[label];
      if (zone === undefined) throw new Error(`the node has no label ${label}`);
      return JSON.parse(map)[zone] ?? zone;
    } catch (error) {
      console.log(`rack: attempt ${attempt} of ${attempts}: ${error.message}`);
      if (attempt === attempts) return null;
    }
  }
}

const config = JSON.parse(readFileSync(process.env.CONFIG_FROM, 'utf8'));
const rackId = await findRack();
if (rackId !== null) config.kafka = { ...config.kafka, rackId };
writeFileSync(process.env.CONFIG_TO, JSON.stringify(config, null, 2));
console.log(rackId === null ? 'rack: none; fetches may cross zones' : `rack: ${rackId}`);
