import { Crowd, revoke } from './many-streams.js';
import type { Drill } from './run-drill.js';

/** What was counted within a range clears by itself when the range has passed. */
const counted = { factor: 200, firesWithinSeconds: 20, clearsWithinSeconds: 60, mend: async () => undefined } as const;

const deadLetters: Drill = {
  ...counted,
  name: 'records that cannot be decoded',
  fires: ['SelvageDeadLetters'],
  fault: ({ fixture, topic }) => fixture.send(topic, [{ key: 'key0', value: '{not json' }]),
};

const keyedBreach: Drill = {
  ...counted,
  name: 'a producer with another partitioner',
  fires: ['SelvageKeyedBreach'],
  // One of the two is not at home.
  fault: ({ fixture }) =>
    fixture.send('promises', [
      { key: 'somebody', value: '1', partition: 0 },
      { key: 'somebody', value: '2', partition: 1 },
    ]),
};

const tailHole: Drill = {
  ...counted,
  name: 'records gone before an edge has read them',
  fires: ['SelvageTailHole'],
  fault: async ({ fixture, nodes }) => {
    await fixture.send('gone', [{ value: 'there' }]);
    for (const { node } of nodes) node.pause();
    await fixture.send(
      'gone',
      Array.from({ length: 20 }, (_, n) => ({ value: `gone ${n}` })),
    );
    await fixture.trim('gone', 0, await fixture.endOf('gone'));
    for (const { node } of nodes) node.resume();
    await fixture.send('gone', [{ value: 'there again' }]);
  },
};

function misfits(): Drill {
  const crowd = new Crowd();
  return {
    ...counted,
    name: 'records without the key that their route needs',
    factor: 60,
    firesWithinSeconds: 45,
    fires: ['SelvageRouteMismatch'],
    fault: async ({ fixture, topic }) => {
      crowd.keepDoing(4, () => fixture.send(topic, [{ key: null, value: '{"kind":"step"}' }]));
    },
    mend: () => crowd.close(),
  };
}

function unwritable(): Drill {
  const crowd = new Crowd();
  return {
    ...counted,
    name: 'a topic that takes no writes',
    factor: 60,
    firesWithinSeconds: 45,
    fires: ['SelvagePublishFailing'],
    // Its records may have 100 bytes.
    fault: async ({ edges }) => {
      const { url } = edges[0]!.node;
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ channel: 's.1', data: 'x'.repeat(200) });
      crowd.keepDoing(2, async () => (await fetch(`${url}/v1/publish`, { method: 'POST', headers, body })).text());
    },
    mend: () => crowd.close(),
  };
}

const garbageCommands: Drill = {
  ...counted,
  name: 'a control record that is none',
  fires: ['SelvageControlCommandsFailing'],
  fault: ({ fixture, controlTopic }) => fixture.send(controlTopic, [{ value: 'no command' }]),
};

const revocationsWidened: Drill = {
  ...counted,
  name: 'more revocations than fit',
  fires: ['SelvageRevocationsWidened'],
  spoilsWorld: true,
  fault: async ({ edges }) => {
    for (let n = 0; n < 130; n++) await revoke(edges[0]!.node, `token-${n}`);
  },
};

/** What records do to a deployment. */
export const recordDrills: readonly Drill[] = [
  deadLetters,
  keyedBreach,
  tailHole,
  misfits(),
  unwritable(),
  garbageCommands,
  revocationsWidened,
];
